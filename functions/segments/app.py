"""A store asks how many contacts are in a segment, and who."""

from milepost.handlers.segments import handler

__all__ = ["handler"]
