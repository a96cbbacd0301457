"""Errors that cross a port. An AWS error never does."""

from __future__ import annotations


class ThrottledError(Exception):
    """The world is momentarily not able to answer; the same call later may succeed."""
