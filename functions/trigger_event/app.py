"""The events API."""

from milepost.handlers.trigger_event import handler

__all__ = ["handler"]
