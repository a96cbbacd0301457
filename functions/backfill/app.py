"""Something was published: all contacts are looked at for it, part by part."""

from milepost.handlers.backfill import handler

__all__ = ["handler"]
