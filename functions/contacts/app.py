"""The shop's systems look a contact up, or change it."""

from milepost.entrypoints.contacts import handler

__all__ = ["handler"]
