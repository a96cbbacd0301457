"""Webhooks of shop platforms."""

from milepost.handlers.trigger_webhook import handler

__all__ = ["handler"]
