"""A store reports an event."""

from milepost.entrypoints.trigger_event import handler

__all__ = ["handler"]
