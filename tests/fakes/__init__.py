"""Fakes of stores and services that the product does not need."""
