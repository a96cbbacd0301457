"""An export or an erasure of a person was asked for."""

from milepost.handlers.privacy import handler

__all__ = ["handler"]
