"""Calls to other servers, and alerts to a store's staff."""
