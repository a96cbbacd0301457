from hashlib import sha256


def link_mark(link: str) -> str:
    """A hash of a link in 16 characters."""
    return sha256(link.encode()).hexdigest()[:16]
