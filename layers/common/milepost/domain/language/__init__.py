"""The workflow language: what a marketer may write, as models."""
