"""Workflows as executed: apply events, run blocks, wait, migrate, schedule."""
