"""Privacy exports in S3: `{store}/exports/<id>.json`. A lifecycle rule deletes them."""

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
"""The tag that the lifecycle rule selects: keys start with the store, so no prefix can do it."""

LINK_SECONDS = 300


@dataclass(frozen=True, slots=True)
class S3ExportStorage:
    """Implements `ExportStorage`."""

    client: "S3Client"
    bucket: str

    def keep(self, store: str, id_: str, texts: Iterable[str]) -> None:
        with (
            TemporaryFile() as file
        ):  # on disk, because an export can be larger than the function's memory
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
        params = {"Bucket": self.bucket, "Key": _key(store, id_)}
        return str(
            self.client.generate_presigned_url("get_object", Params=params, ExpiresIn=LINK_SECONDS)
        )

    def remove(self, store: str, id_: str) -> None:
        self._remove_below(_key(store, id_))

    def empty(self, store: str) -> None:
        for folder in ("exports", "imports"):
            self._remove_below(f"{store}/{folder}/")

    def _remove_below(self, prefix: str) -> None:
        """Delete every version, because the bucket keeps overwritten and deleted objects."""
        try:
            pages = self.client.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            for page in pages:
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    self.client.delete_object(
                        Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"]
                    )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(f"S3: {type(error).__name__}") from error


def _key(store: str, id_: str) -> str:
    return f"{store}/exports/{id_}.json"
