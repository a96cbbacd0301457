"""The unsubscribe page and one-click unsubscribe."""

from milepost.handlers.unsubscribe import handler

__all__ = ["handler"]
