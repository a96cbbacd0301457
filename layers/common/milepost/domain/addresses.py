"""Addresses as identifiers: one spelling per mailbox and per telephone, or none at all.

Both functions take what a shop or a form sends and never raise. None means "treat it as absent":
an event that has another identifier goes on without the bad one.
"""

import re

_MAX_EMAIL = 254
"""Octets of an address in an SMTP path (RFC 5321, 4.5.3.1.3, less the angle brackets)."""
_MAX_LOCAL = 64
_MAX_LABEL = 63
_SEPARATE_UNDER_IDNA_2008 = re.compile("[ßς\u200c\u200d]")
"""IDNA 2003, which the standard library speaks, folds these away and so names another domain."""
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(rf"(?=.{{1,{_MAX_LABEL}}}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
_PHONE_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u2212]")


def normalize_email(text: str | None) -> str | None:
    """Trim and lower-case an address, its domain in punycode; None if mail cannot go there.

    Refused: anything but one `@`, a local part that is not an ASCII dot-atom (SES has no
    SMTPUTF8, and a quoted local part can smuggle a header), a domain without a dot, more than 254
    characters. A local part is lower-cased although RFC 5321 lets a host tell cases apart: no
    known mailbox provider does, and two contacts for one person would get every mail twice.
    """
    local, at, domain = (text or "").strip().lower().partition("@")
    if not at or len(local) > _MAX_LOCAL or not _LOCAL.fullmatch(local):
        return None
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None or len(local) + 1 + len(ascii_domain) > _MAX_EMAIL:
        return None
    return f"{local}@{ascii_domain}"


def _ascii_domain(domain: str) -> str | None:
    """The domain as DNS spells it, or None. Its length is checked first: the codec is quadratic."""
    if len(domain) > _MAX_EMAIL or _SEPARATE_UNDER_IDNA_2008.search(domain):
        return None
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return None
    labels = domain.split(".")
    if len(labels) == 1 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return None if labels[-1].isdigit() else domain


def normalize_phone(text: str | None) -> str | None:
    """Write an international number as `+` and 8 to 15 digits (E.164), or give None.

    A number without its country could belong to anyone, so it is refused, as is one with the
    trunk zero in brackets, `+44 (0)20 ...`, from which dropping the brackets makes another number.
    """
    if not text or "(0)" in text:
        return None
    bare = _PHONE_SEPARATORS.sub("", text)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    return bare if _PHONE.fullmatch(bare) else None
