"""A shop system calls its webhook."""

from milepost.handlers.trigger_webhook import handler

__all__ = ["handler"]
