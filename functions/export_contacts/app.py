"""Starts or continues an export of a store."""

from milepost.handlers.export_contacts import handler

__all__ = ["handler"]
