"""Shopify webhooks: who may send them, and what they mean.

Pure functions of what arrived: no network, no environment, no clock.
"""
