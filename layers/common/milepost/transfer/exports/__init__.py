"""Exports everything that a store has to files."""
