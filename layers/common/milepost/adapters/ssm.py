"""Keys of stores, in SSM as SecureStrings under `/<stack>/<store>/`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.ports.errors import Busy
from milepost.ports.secrets import StoreSecrets

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient


UNKNOWN_FOR = timedelta(seconds=10)
"""How long a store stays unknown: made-up names must not use up SSM's 40 requests a second."""

MOST_UNKNOWN = 1000
EVER_SINCE = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class SsmSecrets:
    """Implements `Secrets`; remembers a store's keys for `fresh_for`."""

    client: "SSMClient"
    stack: str
    now: Callable[[], datetime]
    fresh_for: timedelta = timedelta(seconds=60)
    _kept: dict[str, tuple[datetime, StoreSecrets]] = field(default_factory=dict)
    _unknown: dict[str, datetime] = field(default_factory=dict)

    def of(self, store: str) -> StoreSecrets | None:
        kept = self._kept.get(store)
        if kept is not None and self.now() - kept[0] < self.fresh_for:
            return kept[1]
        if self.now() - self._unknown.get(store, EVER_SINCE) < UNKNOWN_FOR:
            return None
        try:
            found = self._read(f"/{self.stack}/{store}/")
        except Busy:
            if kept is None:
                raise
            return kept[1]  # a minute old, and better than none
        if not found:
            self._kept.pop(store, None)
            self._unknown = {**dict(list(self._unknown.items())[-MOST_UNKNOWN:]), store: self.now()}
            return None
        secrets = StoreSecrets(
            signing=_live(found, "signing-key"),
            bearer_hashes=_live(found, "bearer-key-sha256"),
            shopify=_live(found, "shopify-secret"),
            links=_live(found, "link-key"),
            shop_domains=_live(found, "shopify-domain"),
            browser=_live(found, "browser-key"),
            webhooks=_live(found, "webhook-key"),
        )
        self._kept[store] = (self.now(), secrets)
        return secrets

    def _read(self, path: str) -> dict[str, str]:
        values: dict[str, str] = {}
        token = ""
        try:
            while True:
                request: Any = {"Path": path, "WithDecryption": True, "MaxResults": 10}
                if token:
                    request["NextToken"] = token
                page = self.client.get_parameters_by_path(**request)
                for parameter in page["Parameters"]:
                    values[parameter["Name"].removeprefix(path)] = parameter["Value"]
                token = page.get("NextToken", "")
                if not token:
                    return values
        except (ClientError, BotoCoreError) as error:
            raise Busy(f"SSM: {type(error).__name__}") from error


def _live(found: dict[str, str], name: str) -> tuple[str, ...]:
    """The current key and the previous one; an empty value is no key, and fits nothing."""
    return tuple(v for v in (found.get(name), found.get(f"{name}-previous")) if v)
