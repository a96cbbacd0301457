"""One spelling of each e-mail address and phone number, and the hash that suppresses one."""

import re
from hashlib import sha256

_MAX_EMAIL = 254
"""Octets of an address in an SMTP path (RFC 5321, 4.5.3.1.3, less the angle brackets)."""
_MAX_LOCAL = 64
_MAX_LABEL = 63
_SEPARATE_UNDER_IDNA_2008 = re.compile("([\u00df\u03c2])")
"""IDNA 2003 (the standard library) turns sharp s and final sigma into other letters, which is
another domain. IDNA 2008 (browsers and registries) keeps them, and so do we."""
_JOINERS = re.compile("[\u200c\u200d]")
"""IDNA 2003 drops these, IDNA 2008 allows them between some letters. The two standards give
different domains, so mail might reach a stranger."""
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_SIGMA = str.maketrans("\u03a3", "\u03c3")
"""Python lower-cases a sigma by its position in the word. A domain needs one form."""
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(rf"(?=.{{1,{_MAX_LABEL}}}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
_PHONE_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u2212]")


def normalize_email(text: str | None) -> str | None:
    """Trim and lower-case an address, with its domain in punycode; None if mail cannot go there.

    Refused: anything but one `@`, a local part that is not an ASCII dot-atom (SES has no
    SMTPUTF8, and a quoted local part can smuggle a header), a domain without a dot, more than 254
    characters. RFC 5321 lets a host tell cases apart in the local part, but no known mailbox
    provider does, and two contacts for one person would get every mail twice.
    """
    local, at, domain = (text or "").strip().translate(_SIGMA).lower().partition("@")
    if not at or len(local) > _MAX_LOCAL or not _LOCAL.fullmatch(local):
        return None
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None or len(local) + 1 + len(ascii_domain) > _MAX_EMAIL:
        return None
    return f"{local}@{ascii_domain}"


def _ascii_domain(domain: str) -> str | None:
    """The domain as DNS spells it, or None. The length check is first: the codec is quadratic."""
    if len(domain) > _MAX_EMAIL or _JOINERS.search(domain):
        return None
    labels = domain.split(".") if domain.isascii() else _DOTS.split(domain)
    try:
        labels = [label if label.isascii() else _ascii_label(label) for label in labels]
    except UnicodeError:
        return None
    if len(labels) == 1 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return None if labels[-1].isdigit() else ".".join(labels)


def _ascii_label(label: str) -> str:
    """One label in punycode. Raises UnicodeError for characters that no domain may hold."""
    parts = _SEPARATE_UNDER_IDNA_2008.split(label)
    if len(parts) == 1:
        return label.encode("idna").decode("ascii").lower()
    from encodings import idna  # slow to import, and few addresses need it

    # Every second part is a letter to keep. `nameprep` is what the codec does to the rest.
    prepared = "".join(p if n % 2 else idna.nameprep(p) for n, p in enumerate(parts))
    return "xn--" + prepared.encode("punycode").decode("ascii")


def normalize_phone(text: str | None) -> str | None:
    """Write an international number as `+` and 8 to 15 digits (E.164), or return None.

    Refused: a number without a country code, which is ambiguous, and one with the trunk zero in
    brackets, `+44 (0)20 ...`, which becomes another number without the brackets.
    """
    if not text or "(0)" in text:
        return None
    bare = _PHONE_SEPARATORS.sub("", text)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    return bare if _PHONE.fullmatch(bare) else None


ERASED = "erased"
"""The reason of the suppression that an erasure leaves. It blocks marketing only: Milepost may
confirm a new order. A bounce or a complaint replaces it."""


def address_hash(email: str) -> str:
    """A hash for keys, ledger and comparisons, where the address itself must not be."""
    return sha256(email.strip().lower().encode()).hexdigest()
