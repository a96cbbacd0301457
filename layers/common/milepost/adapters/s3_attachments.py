"""Files that go with mails: `{store}/attachments/`, where the shop puts them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milepost.adapters.s3 import read_object

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@dataclass(frozen=True, slots=True)
class S3Attachments:
    """Implements `Attachments`. The client is made for the first mail that has a file."""

    client: Callable[[], "S3Client"]
    bucket: str

    def read(self, store: str, path: str, most: int) -> bytes | None:
        return read_object(self.client(), self.bucket, f"{store}/attachments/{path}", most)
