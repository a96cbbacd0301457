"""A state machine runs one straight run of steps."""

from milepost.handlers.run_steps import handler

__all__ = ["handler"]
