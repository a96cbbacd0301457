"""Starts or continues an import of contacts."""

from milepost.handlers.import_contacts import handler

__all__ = ["handler"]
