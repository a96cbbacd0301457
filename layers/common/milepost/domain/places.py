"""Places in a list, handed to a caller and taken back: of that list alone, and as they were."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

_PLACE = re.compile(r"([0-7] )?[0-9TZ:.-]{1,30} c[0-9a-f]{25}")
_CHECK = 12


def sealed(place: str, *where: str) -> str:
    """A text that leads back to a place in what `where` names."""
    return urlsafe_b64encode(f"{_check(place, where)}{place}".encode()).decode().rstrip("=")


def unsealed(token: str, *where: str) -> str | None:
    """The place; None for a token that is damaged, made up, or of something else."""
    try:
        text = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except (ValueError, UnicodeError):
        return None
    check, place = text[:_CHECK], text[_CHECK:]
    right = check == _check(place, where) and _PLACE.fullmatch(place)
    return place if right and sealed(place, *where) == token else None


def _check(place: str, where: tuple[str, ...]) -> str:
    return sha256("\n".join([*where, place]).encode()).hexdigest()[:_CHECK]
