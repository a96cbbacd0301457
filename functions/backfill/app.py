"""Re-evaluates all contacts after a publish, partition by partition."""

from milepost.handlers.backfill import handler

__all__ = ["handler"]
