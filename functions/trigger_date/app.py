"""The minute has come round."""

from milepost.handlers.trigger_date import handler

__all__ = ["handler"]
