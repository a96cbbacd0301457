"""The API of segments and lists."""

from milepost.handlers.segments import handler

__all__ = ["handler"]
