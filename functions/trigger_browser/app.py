"""Records browsing events and serves the browser script."""

from milepost.handlers.trigger_browser import handler

__all__ = ["handler"]
