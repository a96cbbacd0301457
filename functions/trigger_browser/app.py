"""A visitor's browser reports what was looked at, or fetches the script that does."""

from milepost.handlers.trigger_browser import handler

__all__ = ["handler"]
