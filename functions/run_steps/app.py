"""Runs one block of steps of an enrollment."""

from milepost.handlers.run_steps import handler

__all__ = ["handler"]
