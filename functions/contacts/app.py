"""The contacts API of the shop's systems."""

from milepost.handlers.contacts import handler

__all__ = ["handler"]
