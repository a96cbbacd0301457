"""Templates: from the files of a folder to a mail in the reader's language."""
