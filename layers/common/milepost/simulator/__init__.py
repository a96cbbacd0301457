"""A store in memory on a virtual clock: `simulate`, workflow tests, the publish gate."""
