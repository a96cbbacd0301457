"""Registers a wait for an event."""

from milepost.handlers.await_event import handler

__all__ = ["handler"]
