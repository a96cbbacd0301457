"""Translators: one shop payload in, contact events out."""
