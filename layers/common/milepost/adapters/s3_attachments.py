"""Files that go with mails: `{store}/attachments/`, where the shop puts them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.ports.errors import Busy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@dataclass(frozen=True, slots=True)
class S3Attachments:
    """Implements `Attachments`. The client is made for the first mail that has a file."""

    client: Callable[[], "S3Client"]
    bucket: str

    def read(self, store: str, path: str, most: int) -> bytes | None:
        try:
            key = f"{store}/attachments/{path}"
            answer = self.client().get_object(Bucket=self.bucket, Key=key)
            return answer["Body"].read(most)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise Busy(f"S3: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:
            raise Busy(f"S3: {type(error).__name__}") from error
