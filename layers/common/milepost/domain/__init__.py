"""The pure core: no AWS, no environment, no clock of its own."""
