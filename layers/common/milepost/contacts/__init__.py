"""One person: events, profile, identity, consent, timeline, lists."""
