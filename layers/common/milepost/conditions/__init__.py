"""The condition language: its files, evaluation, next change, and description in words."""
