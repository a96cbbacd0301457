"""Contacts: events, profile, identity, consent, timeline, lists."""
