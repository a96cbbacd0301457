"""Runs exports and erasures of contacts."""

from milepost.handlers.privacy import handler

__all__ = ["handler"]
