"""Files of contacts: how they are read, what a row means, and what importing it changes."""
