"""The inbox: the sent e-mails, and buttons for what a recipient or a mail server would do."""
