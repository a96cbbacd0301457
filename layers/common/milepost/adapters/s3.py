"""The marketers' bucket: `{store}/workflows/`, `{store}/templates/`, `{store}/reports/`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.ports.errors import Busy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MAX_BYTES = 1024 * 1024
"""No file that people write is larger; a larger one is cut, and so refused by whoever reads it."""

_KINDS = {"json": "application/json", "csv": "text/csv"}


def read_object(client: "S3Client", bucket: str, key: str, most: int) -> bytes | None:
    """At most so many bytes of an object; None if there is none. Raises `Busy`."""
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read(most)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise Busy(f"S3: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise Busy(f"S3: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class S3Files:
    """Implements `Files`."""

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
            raise Busy(f"S3: {type(error).__name__}") from error
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
            raise Busy(f"S3: {type(error).__name__}") from error
