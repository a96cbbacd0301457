"""The minute has come round: newsletters go on."""

from milepost.handlers.trigger_schedule import handler

__all__ = ["handler"]
