"""A package, so that pytest takes its stack down after its last test."""
