"""A store in memory on a virtual clock, for `simulate`, workflow tests and the publish gate."""
