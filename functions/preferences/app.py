"""A reader looks at the preferences that a mail links to, or changes them."""

from milepost.handlers.preferences import handler

__all__ = ["handler"]
