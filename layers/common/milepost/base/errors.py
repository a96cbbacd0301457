"""Errors that cross a port. An AWS error never does."""

from __future__ import annotations


class ThrottledError(Exception):
    """A service cannot answer now; the same call later may succeed."""
