"""The preferences page."""

from milepost.handlers.preferences import handler

__all__ = ["handler"]
