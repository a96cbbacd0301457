"""From all contacts of a store to a file."""
