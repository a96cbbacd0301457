"""Records SES delivery events."""

from milepost.handlers.trigger_email import handler

__all__ = ["handler"]
