from hashlib import sha256

ERASED = "erased"
"""The reason of a suppression that an erasure leaves behind. It stands against marketing alone: a
new order may be confirmed. A bounce or a complaint takes its place."""


def address_hash(email: str) -> str:
    """Stands for an address where the address itself must not be: keys, ledger, comparison."""
    return sha256(email.strip().lower().encode()).hexdigest()
