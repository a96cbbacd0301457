"""E-mail addresses as SES accepts them: one per entry, ASCII, in the form `Name <local@domain>`.

The error texts are those of the mail library that SES is known to use.
"""

import re
from dataclasses import dataclass

from local.ses.errors import BadRequest

LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 320

NAMED = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*"|[^"<>,;@]*?)\s*<(?P<address>[^<>]*)>')
LOCAL_PART = re.compile(r"""[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+|"(?:[^"\\]|\\.)*\"""")
DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Address:
    """An address and its display name, which may be empty."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()

    @property
    def local_part(self) -> str:
        return self.address.rpartition("@")[0]


def parse_address(text: str, field: str) -> Address:
    """Parse one address; raises BadRequest with the reason and the field's name."""
    if not text.isascii():
        # No SMTPUTF8: punycode for domains, encoded words (RFC 2047) for names.
        raise refused(field, text, "Address contains non-ASCII characters")
    if any(ord(character) < ord(" ") or ord(character) == 0x7F for character in text):
        raise refused(field, text, "Address contains control characters")
    named = NAMED.fullmatch(text.strip())
    address = named["address"] if named else text.strip()
    name = named["name"].strip().removeprefix('"').removesuffix('"') if named else ""
    local_part, at, domain = address.rpartition("@")
    if not at or not domain:
        raise refused(field, text, "Missing final '@domain'")
    if not local_part:
        raise refused(field, text, "Missing local name")
    if not LOCAL_PART.fullmatch(local_part):
        raise refused(field, text, "Local address contains illegal character")
    if not local_part.startswith('"') and (
        local_part.startswith(".") or local_part.endswith(".") or ".." in local_part
    ):
        raise refused(field, text, "Local address contains dot-dot, or starts or ends with a dot")
    if not DOMAIN.fullmatch(domain) or ".." in domain:
        raise refused(field, text, "Domain contains illegal character")
    if len(local_part) > LONGEST_LOCAL_PART or len(address) > LONGEST_ADDRESS:
        raise refused(field, text, "Address is too long")
    return Address(address, name)


def refused(field: str, text: str, reason: str) -> BadRequest:
    return BadRequest(f"{reason}: {field} {text[:100]!r}")
