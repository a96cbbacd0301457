"""One store, as it describes itself: settings, declared properties, keys, files."""
