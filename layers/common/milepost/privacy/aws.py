"""Exports of persons: `{store}/exports/<id>.json`, gone after days by a rule of the bucket."""

from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


EXPIRES = "milepost=exported"
"""The tag that the bucket's rule looks for: stores come first in keys, so no prefix would do."""

LINK_SECONDS = 300


@dataclass(frozen=True, slots=True)
class S3ExportStorage:
    """Implements `Vault`."""

    client: "S3Client"
    bucket: str

    def keep(self, store: str, id_: str, texts: Iterable[str]) -> None:
        with TemporaryFile() as file:  # on disk: the largest person must not need as much memory
            for text in texts:
                file.write(text.encode("utf-8", "backslashreplace"))
            file.seek(0)
            try:
                self.client.upload_fileobj(
                    file,
                    self.bucket,
                    _key(store, id_),
                    ExtraArgs={
                        "ContentType": "application/json",
                        "ContentDisposition": "attachment",
                        "Tagging": EXPIRES,
                    },
                )
            except (ClientError, BotoCoreError, S3UploadFailedError) as error:
                raise ThrottledError(f"S3: {type(error).__name__}") from error

    def link(self, store: str, id_: str) -> str:
        place = {"Bucket": self.bucket, "Key": _key(store, id_)}
        return str(
            self.client.generate_presigned_url("get_object", Params=place, ExpiresIn=LINK_SECONDS)
        )

    def remove(self, store: str, id_: str) -> None:
        self._remove_below(_key(store, id_))

    def empty(self, store: str) -> None:
        for folder in ("exports", "imports"):
            self._remove_below(f"{store}/{folder}/")

    def _remove_below(self, prefix: str) -> None:
        """Every version goes: the bucket remembers what is overwritten and deleted."""
        try:
            pages = self.client.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            for page in pages:
                for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    self.client.delete_object(
                        Bucket=self.bucket, Key=each["Key"], VersionId=each["VersionId"]
                    )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(f"S3: {type(error).__name__}") from error


def _key(store: str, id_: str) -> str:
    return f"{store}/exports/{id_}.json"
