"""The minute has come round: newsletters go on."""

from milepost.entrypoints.trigger_schedule import handler

__all__ = ["handler"]
