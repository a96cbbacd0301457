"""A file of contacts was uploaded, or an import that has begun goes on."""

from milepost.handlers.import_contacts import handler

__all__ = ["handler"]
