"""The shop's systems look a contact up, or change it."""

from milepost.handlers.contacts import handler

__all__ = ["handler"]
