"""Merging two contacts that turn out to be one person."""
