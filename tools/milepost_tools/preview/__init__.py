"""The preview of a template on a developer's machine. Sending does not use it."""
