"""A reader looks at a mail in the browser."""

from milepost.handlers.view import handler

__all__ = ["handler"]
