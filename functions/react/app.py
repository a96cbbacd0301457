"""An event was appended to a contact's timeline."""

from milepost.handlers.react import handler

__all__ = ["handler"]
