"""A visitor sends a sign-up form, or confirms one."""

from milepost.handlers.trigger_form import handler

__all__ = ["handler"]
