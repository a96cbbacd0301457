"""The minute has come round."""

from milepost.entrypoints.trigger_date import handler

__all__ = ["handler"]
