"""Shows an e-mail in the browser."""

from milepost.handlers.view import handler

__all__ = ["handler"]
