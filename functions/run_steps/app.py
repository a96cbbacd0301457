"""A state machine runs one straight run of steps."""

from milepost.entrypoints.run_steps import handler

__all__ = ["handler"]
