"""A shop's own program: calls the API of a deployed stack with the store's bearer key."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

Json = dict[str, Any]


@dataclass(frozen=True)
class StoreApi:
    """Calls of one store; an error answer fails the test."""

    url: str
    store: str
    key: str

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = httpx.request(
            method,
            f"{self.url}/v1/{self.store}{path}",
            content=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.key}", "content-type": "application/json"},
            timeout=30,
        )
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        found: Json = answer.json() if answer.content else {}
        return found

    def find(self, email: str) -> Json | None:
        """The contact of an address; None if it does not exist (yet)."""
        answer = httpx.post(
            f"{self.url}/v1/{self.store}/contacts/find",
            content=json.dumps({"email": email}).encode(),
            headers={"authorization": f"Bearer {self.key}"},
            timeout=30,
        )
        found: Json = answer.json()
        return found if answer.is_success else None

    def events(self, contact: str, name: str) -> list[Json]:
        """The contact's events of one name, newest first."""
        path = f"/contacts/{contact}/timeline?event={name.replace(' ', '%20')}"
        items: list[Json] = self.call("GET", path)["items"]
        return items
