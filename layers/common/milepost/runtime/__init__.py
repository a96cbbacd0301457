"""Workflows as they are executed: react to events, run blocks, wait, migrate, schedule."""
