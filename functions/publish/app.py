"""A marketer's file changed in the bucket."""

from milepost.entrypoints.publish import handler

__all__ = ["handler"]
