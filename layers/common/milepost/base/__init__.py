"""Values without business meaning: instants, durations, addresses, paths, JSON, errors."""
