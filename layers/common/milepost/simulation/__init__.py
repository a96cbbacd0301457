"""A workflow tried out without AWS: the real services, in memory, on a clock that jumps."""
