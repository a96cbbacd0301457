"""A reader looks at a mail in the browser."""

from milepost.entrypoints.view import handler

__all__ = ["handler"]
