"""Use cases: load, decide, act; written against the ports."""
