"""From a file of contacts to events on their timelines."""
