"""Shopify webhooks: verification and translation, as pure functions."""
