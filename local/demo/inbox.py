"""What the shoppers do with their e-mails, through the inbox's API."""

from typing import Any

import httpx

from local.demo.shoppers import Shopper
from local.errors import LocalError

_TIMEOUT = 30


class Inbox:
    """The local inbox."""

    def __init__(self, url: str) -> None:
        self._url = url

    def mails_of(self, shopper: Shopper) -> list[dict[str, Any]]:
        """The shopper's e-mails, oldest first."""
        return self.mails_to(shopper.email)

    def mails_to(self, address: str) -> list[dict[str, Any]]:
        """The e-mails to an address, oldest first."""
        found = self._ask("GET", "/api/messages", params={"to": address})["messages"]
        return list(reversed(found))

    def opens(self, mail: dict[str, Any]) -> None:
        self._ask("POST", f"/api/messages/{mail['id']}/open")

    def clicks(self, mail: dict[str, Any], link: str) -> None:
        """Click the first link that contains this text."""
        found = self.link_of(mail, link)
        self._ask("POST", f"/api/messages/{mail['id']}/click", json={"link": found})

    def link_of(self, mail: dict[str, Any], part: str) -> str:
        """The first link of the e-mail that contains this text."""
        full = self._ask("GET", f"/api/messages/{mail['id']}")
        for one in full["links"]:
            if part in one["url"]:
                return str(one["url"])
        raise LocalError(f"the mail {full['subject']!r} has no link with {part!r}")

    def unsubscribes(self, mail: dict[str, Any]) -> None:
        """Click the unsubscribe button of the mail program (RFC 8058)."""
        self._ask("POST", f"/api/messages/{mail['id']}/unsubscribe")

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        answer = httpx.request(method, self._url + path, timeout=_TIMEOUT, **request)
        if answer.is_error:
            raise LocalError(f"inbox: {path} was answered with {answer.status_code}: {answer.text}")
        return answer.json()
