"""An export of everything was asked for, or one that has begun goes on."""

from milepost.handlers.export_contacts import handler

__all__ = ["handler"]
