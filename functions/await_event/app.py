"""A state machine parks an enrollment until an event."""

from milepost.handlers.await_event import handler

__all__ = ["handler"]
