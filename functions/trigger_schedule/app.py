"""Advances broadcasts, once a minute."""

from milepost.handlers.trigger_schedule import handler

__all__ = ["handler"]
