"""Builds the objects that the functions use, once per process, from their environment."""
