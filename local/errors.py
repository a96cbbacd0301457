"""The one error of this package that a user sees."""


class LocalError(Exception):
    """Something on this machine prevents the command; the message says what, where and the
    remedy."""
