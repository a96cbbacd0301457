"""The one error that this package lets a person see."""


class LocalError(Exception):
    """Something on this machine is in the way; the message says what, where, and what to do."""
