"""The secrets of a store, as an operator would set them: SecureStrings in SSM."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milepost.stores.keys import KEYS

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def fresh() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class StoreSecrets:
    """The keys of the store and its visitors. The stack stores only a hash of the bearer key."""

    signing_key: str
    bearer_key: str
    link_key: str
    browser_key: str
    webhook_key: str
    platforms: Mapping[str, str]
    """The secrets of shop platforms, by key name."""

    @classmethod
    def make(cls) -> "StoreSecrets":
        signing = [key.name for key in KEYS.values() if key.platform and key.secret]
        return cls(
            signing_key=fresh(),
            bearer_key=fresh(),
            link_key=fresh(),
            browser_key=fresh(),
            webhook_key=fresh(),
            platforms={name: fresh() for name in signing},
        )

    def parameters(self) -> dict[str, str]:
        """The last part of each parameter's name, and its value."""
        return {
            "signing-key": self.signing_key,
            "bearer-key-sha256": hashlib.sha256(self.bearer_key.encode()).hexdigest(),
            "link-key": self.link_key,
            "browser-key": self.browser_key,
            "webhook-key": self.webhook_key,
            **self.platforms,
        }

    def store_in(self, ssm: "SSMClient", path: str) -> None:
        """Store all of them below `path`, such as `/milepost/acme`."""
        for name, value in self.parameters().items():
            ssm.put_parameter(
                Name=f"{path}/{name}", Value=value, Type="SecureString", Overwrite=True
            )
