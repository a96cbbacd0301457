"""A shop system calls its webhook."""

from milepost.entrypoints.trigger_webhook import handler

__all__ = ["handler"]
