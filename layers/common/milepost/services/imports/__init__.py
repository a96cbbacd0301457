"""Imports of contacts from files: begun by an upload, worked through in stretches, taken back."""
