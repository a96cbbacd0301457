"""An event was appended to a contact's timeline."""

from milepost.entrypoints.react import handler

__all__ = ["handler"]
