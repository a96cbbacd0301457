"""The inbox: what was sent, and buttons for what a person or a mail server would do with it."""
