"""Doubles of stores and services that no product code needs."""
