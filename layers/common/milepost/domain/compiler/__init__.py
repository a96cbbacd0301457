"""The compiler: from a checked workflow file to what runs, and what it costs."""
