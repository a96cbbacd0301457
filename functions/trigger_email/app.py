"""SES tells what became of a mail."""

from milepost.handlers.trigger_email import handler

__all__ = ["handler"]
