"""One-click unsubscribe as a mailbox provider does it (RFC 8058): a single POST."""

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
    """The e-mail offers no one-click unsubscribe; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the sender's server; without an answer `status` is 0 and `body` says why."""

    url: str
    status: int
    body: str

    @property
    def done(self) -> bool:
        """A redirect is no success: the provider does not follow it."""
        return httpx.codes.is_success(self.status)


def one_click_address(mail: Mail) -> str:
    """The address to POST to; raises NotOffered if the headers do not offer one."""
    if mail.header("List-Unsubscribe-Post").strip().lower() != BODY.lower():
        raise NotOffered(f"The mail has no header `List-Unsubscribe-Post: {BODY}` (RFC 8058).")
    for url in re.findall(r"<([^<>]*)>", mail.header("List-Unsubscribe")):
        parts = urlsplit(url.strip())
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OWN_MACHINE):
            return str(url.strip())
    raise NotOffered("The mail's List-Unsubscribe header holds no https address (RFC 8058).")


async def unsubscribe(mail: Mail) -> Answer:
    """POST to the e-mail's unsubscribe address, without cookies, credentials or redirects."""
    url = one_click_address(mail)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    # trust_env=False: ignore the proxy settings and .netrc of this machine.
    async with httpx.AsyncClient(
        trust_env=False, follow_redirects=False, timeout=PATIENCE
    ) as client:
        try:
            answer = await client.post(url, content=BODY, headers=headers)
        except httpx.HTTPError as error:
            return Answer(url, 0, f"{type(error).__name__}: {error}")
    return Answer(url, answer.status_code, answer.text[:LONGEST_ANSWER])
