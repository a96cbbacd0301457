"""Sign-up forms and their confirmation."""

from milepost.handlers.trigger_form import handler

__all__ = ["handler"]
