from hashlib import sha256

ERASED = "erased"
"""The reason of the suppression that an erasure leaves. It blocks marketing only: Milepost may
confirm a new order. A bounce or a complaint replaces it."""


def address_hash(email: str) -> str:
    """A hash for keys, ledger and comparisons, where the address itself must not be."""
    return sha256(email.strip().lower().encode()).hexdigest()
