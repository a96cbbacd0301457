"""One store: settings, declared properties, keys, files."""
