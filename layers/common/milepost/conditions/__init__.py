"""The condition language: files, evaluation, next change, and description in words."""
