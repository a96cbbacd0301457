"""Applies timeline events to contacts."""

from milepost.handlers.react import handler

__all__ = ["handler"]
