"""A store reports an event."""

from milepost.handlers.trigger_event import handler

__all__ = ["handler"]
