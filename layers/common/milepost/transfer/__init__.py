"""Bulk imports and exports of contacts."""
