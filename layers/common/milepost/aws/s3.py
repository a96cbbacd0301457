"""The stores' bucket: `{store}/workflows/`, `{store}/templates/`, `{store}/reports/`."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


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
