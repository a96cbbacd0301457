"""A reader looks at the preferences that a mail links to, or changes them."""

from milepost.entrypoints.preferences import handler

__all__ = ["handler"]
