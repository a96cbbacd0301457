"""SES tells what became of a mail."""

from milepost.entrypoints.trigger_email import handler

__all__ = ["handler"]
