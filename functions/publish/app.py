"""Publishes changed files of the bucket."""

from milepost.handlers.publish import handler

__all__ = ["handler"]
