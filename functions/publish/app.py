"""A marketer's file changed in the bucket."""

from milepost.handlers.publish import handler

__all__ = ["handler"]
