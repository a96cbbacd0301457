"""The scheduler, once a minute."""

from milepost.handlers.trigger_date import handler

__all__ = ["handler"]
