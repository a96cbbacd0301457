"""A reader follows an unsubscribe link or presses its button."""

from milepost.handlers.unsubscribe import handler

__all__ = ["handler"]
