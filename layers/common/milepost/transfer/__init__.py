"""Imports and exports of many contacts at once."""
