"""One-click unsubscribe as a mailbox provider does it (RFC 8058): one POST, and nothing with it."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from local.ses.mail import Mail

BODY = "List-Unsubscribe=One-Click"
PATIENCE = 15.0
LONGEST_ANSWER = 2_000
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


class NotOffered(Exception):
    """The mail offers no one-click unsubscribe; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender's address answered; `status` is 0 when it did not, and `body` says why."""

    url: str
    status: int
    body: str

    @property
    def done(self) -> bool:
        """A redirect is no success: the provider does not follow it."""
        return httpx.codes.is_success(self.status)


def one_click_address(mail: Mail) -> str:
    """The address to POST to; raises NotOffered when the headers do not offer one."""
    if mail.header("List-Unsubscribe-Post").strip().lower() != BODY.lower():
        raise NotOffered(f"The mail has no header `List-Unsubscribe-Post: {BODY}` (RFC 8058).")
    for url in re.findall(r"<([^<>]*)>", mail.header("List-Unsubscribe")):
        parts = urlsplit(url.strip())
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OWN_MACHINE):
            return str(url.strip())
    raise NotOffered("The mail's List-Unsubscribe header holds no https address (RFC 8058).")


async def unsubscribe(mail: Mail) -> Answer:
    """POST to the mail's own address: no cookies, no credentials, no redirects."""
    url = one_click_address(mail)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    # trust_env=False: neither a proxy nor a .netrc of this machine may have a say in it.
    async with httpx.AsyncClient(
        trust_env=False, follow_redirects=False, timeout=PATIENCE
    ) as client:
        try:
            answer = await client.post(url, content=BODY, headers=headers)
        except httpx.HTTPError as error:
            return Answer(url, 0, f"{type(error).__name__}: {error}")
    return Answer(url, answer.status_code, answer.text[:LONGEST_ANSWER])
