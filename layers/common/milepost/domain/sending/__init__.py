"""Whether a message may go, when, from whom, and what became of it."""
