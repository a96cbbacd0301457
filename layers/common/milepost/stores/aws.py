"""A store's files in S3 and its keys in SSM."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError
from milepost.stores.keys import KEYS
from milepost.stores.store_secrets import StoreSecrets

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_ssm.client import SSMClient


MAX_BYTES = 1024 * 1024
"""The largest file that a store may upload. A read stops one byte later, and parsing refuses it."""

_KINDS = {"json": "application/json", "csv": "text/csv"}


def read_object(client: "S3Client", bucket: str, key: str, most: int) -> bytes | None:
    """At most `most` bytes of an object; None if there is none. Raises `ThrottledError`."""
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read(most)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise ThrottledError(f"S3: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise ThrottledError(f"S3: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class S3Files:
    """Implements `StoreFiles`."""

    client: "S3Client"
    bucket: str

    def read(self, store: str, path: str) -> str | None:
        content = read_object(self.client, self.bucket, f"{store}/{path}", MAX_BYTES + 1)
        return None if content is None else content.decode("utf-8", "replace")

    def folder(self, store: str, path: str) -> dict[str, str]:
        found = {}
        for file in self.paths(store, path):
            name = file.removeprefix(f"{path}/")
            if "/" not in name and (text := self.read(store, file)) is not None:
                found[name] = text
        return found

    def paths(self, store: str, folder: str) -> list[str]:
        found = []
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{store}/{folder}/"
        )
        try:
            for page in pages:
                found += [o["Key"].removeprefix(f"{store}/") for o in page.get("Contents", ())]
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(f"S3: {type(error).__name__}") from error
        return [path for path in sorted(found) if not path.endswith("/")]

    def write(self, store: str, path: str, text: str) -> None:
        kind = _KINDS.get(path.rpartition(".")[2], "text/markdown")
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=f"{store}/{path}",
                Body=text.encode("utf-8", "backslashreplace"),
                ContentType=f"{kind}; charset=utf-8",
            )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(f"S3: {type(error).__name__}") from error


UNKNOWN_STORE_CACHE_TIME = timedelta(seconds=10)
"""How long an unknown store is cached: invented names must not use up SSM's 40 requests a second.
"""

MAX_UNKNOWN = 1000
OLDEST_KEY_DATE = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class SsmSecrets:
    """Implements `Secrets`; caches a store's keys for `fresh_for`."""

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
        if self.now() - self._unknown.get(store, OLDEST_KEY_DATE) < UNKNOWN_STORE_CACHE_TIME:
            return None
        try:
            found = self._read(f"/{self.stack}/{store}/")
        except ThrottledError:
            if kept is None:
                raise
            return kept[1]  # stale keys are better than none
        if not found:
            self._kept.pop(store, None)
            self._unknown = {**dict(list(self._unknown.items())[-MAX_UNKNOWN:]), store: self.now()}
            return None
        secrets = StoreSecrets(
            signing=_live(found, "signing-key"),
            bearer_hashes=_live(found, "bearer-key-sha256"),
            links=_live(found, "link-key"),
            browser=_live(found, "browser-key"),
            webhooks=_live(found, "webhook-key"),
            platforms={
                name: live
                for name, key in KEYS.items()
                if key.platform and (live := _live(found, name))
            },
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
            raise ThrottledError(f"SSM: {type(error).__name__}") from error


def _live(found: dict[str, str], name: str) -> tuple[str, ...]:
    """The current key and the previous one, without empty values."""
    return tuple(v for v in (found.get(name), found.get(f"{name}-previous")) if v)
