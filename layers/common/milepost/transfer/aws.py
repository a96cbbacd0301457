"""Files of any size in the store's bucket: versions are read in chunks, files are written once.

Used files with personal data get a tag, and the bucket's lifecycle removes them by it: lifecycle
rules know prefixes and tags, and a prefix would have to name every store.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError
from milepost.transfer.ports import FileGoneError, FileVersion

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


CHUNK = 64 * 1024
TAG = "milepost"
_GONE = frozenset({"404", "412", "NoSuchKey", "NoSuchVersion", "PreconditionFailed"})


@dataclass(frozen=True, slots=True)
class S3Uploads:
    """Implements `Uploads` and `ExportFiles`. A version is S3's, or an ETag without versioning."""

    client: "S3Client"
    bucket: str

    def find(self, store: str, path: str) -> FileVersion | None:
        try:
            with _errors():
                found = self.client.head_object(Bucket=self.bucket, Key=f"{store}/{path}")
        except FileGoneError:
            return None
        version = found.get("VersionId")
        if version in (None, "null"):  # uploaded before the bucket had versioning
            version = found["ETag"]
        return FileVersion(path, str(version), found["ContentLength"])

    def read(self, store: str, upload: FileVersion, start: int = 0) -> Iterator[bytes]:
        if start >= upload.size:
            return
        with _errors():
            answer = self.client.get_object(
                Bucket=self.bucket,
                Key=f"{store}/{upload.path}",
                Range=f"bytes={start}-",
                **_pinned(upload),
            )
            yield from answer["Body"].iter_chunks(CHUNK)

    def settle(self, store: str, upload: FileVersion) -> None:
        pinned = _pinned(upload)
        pinned.pop("IfMatch", None)
        try:
            with _errors():
                self.client.put_object_tagging(
                    Bucket=self.bucket,
                    Key=f"{store}/{upload.path}",
                    Tagging={"TagSet": [{"Key": TAG, "Value": "imported"}]},
                    **pinned,
                )
        except FileGoneError:
            return  # the shop has deleted it

    def put(self, store: str, path: str, lines: Iterable[str]) -> None:
        body = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
        with _errors():
            self.client.put_object(
                Bucket=self.bucket,
                Key=f"{store}/{path}",
                Body=body,
                ContentType="application/x-ndjson",
                Tagging=f"{TAG}=exported",
            )


def _pinned(upload: FileVersion) -> dict[str, Any]:
    if upload.version.startswith('"'):
        return {"IfMatch": upload.version}
    return {"VersionId": upload.version}


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _GONE:
            raise FileGoneError(code) from error
        raise ThrottledError(f"S3: {code}") from error
    except BotoCoreError as error:
        raise ThrottledError(f"S3: {type(error).__name__}") from error
