from hashlib import sha256


def link_mark(link: str) -> str:
    """Stands for a link: 16 characters, whatever its length."""
    return sha256(link.encode()).hexdigest()[:16]
