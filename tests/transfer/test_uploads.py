"""The S3 adapter: readable old versions, tags for the lifecycle, S3 errors."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from milepost.aws.sqs import SqsContinuationQueue
from milepost.base.errors import ThrottledError
from milepost.transfer.aws import S3Uploads
from milepost.transfer.ports import FileGoneError, FileVersion
from tests.support.ports import Cloud, cloud

STORE = "harborline"
PATH = "imports/people.csv"
KEY = f"{STORE}/{PATH}"


@pytest.fixture(scope="module")
def aws() -> Iterator[Cloud]:
    with cloud() as imitated:
        yield imitated


@pytest.fixture
def uploads(aws: Cloud) -> S3Uploads:
    bucket = aws.bucket()
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return S3Uploads(aws.s3, bucket)


def put(uploads: S3Uploads, body: bytes) -> FileVersion:
    uploads.client.put_object(Bucket=uploads.bucket, Key=KEY, Body=body)
    found = uploads.find(STORE, PATH)
    assert found is not None
    return found


def test_old_version_is_read_after_overwrite(uploads: S3Uploads) -> None:
    old = put(uploads, b"old")
    new = put(uploads, b"new")
    assert old.version != new.version
    assert b"".join(uploads.read(STORE, old)) == b"old"
    uploads.client.delete_object(Bucket=uploads.bucket, Key=KEY)
    assert uploads.find(STORE, PATH) is None
    assert b"".join(uploads.read(STORE, old)) == b"old"


def test_deleted_version_raises_file_gone(uploads: S3Uploads) -> None:
    old = put(uploads, b"old")
    uploads.client.delete_object(Bucket=uploads.bucket, Key=KEY, VersionId=old.version)
    with pytest.raises(FileGoneError):
        list(uploads.read(STORE, old))
    uploads.settle(STORE, old)


def test_overwritten_file_without_versioning_raises_file_gone(aws: Cloud) -> None:
    plain = S3Uploads(aws.s3, aws.bucket())
    old = put(plain, b"old")
    assert b"".join(plain.read(STORE, old)) == b"old"
    plain.settle(STORE, old)
    put(plain, b"new")
    with pytest.raises(FileGoneError):
        list(plain.read(STORE, old))


def test_imported_and_exported_files_are_tagged(uploads: S3Uploads) -> None:
    old = put(uploads, b"old")
    put(uploads, b"new")
    uploads.settle(STORE, old)
    uploads.put(STORE, "exports/all/contacts-0001.jsonl", ['{"a":1}', '{"b":2}'])

    def tags(key: str, **more: Any) -> Any:
        found = uploads.client.get_object_tagging(Bucket=uploads.bucket, Key=key, **more)
        return [(tag["Key"], tag["Value"]) for tag in found["TagSet"]]

    assert tags(KEY, VersionId=old.version) == [("milepost", "imported")]
    assert tags(KEY) == []
    part = f"{STORE}/exports/all/contacts-0001.jsonl"
    assert tags(part) == [("milepost", "exported")]
    body = uploads.client.get_object(Bucket=uploads.bucket, Key=part)["Body"].read()
    assert body == b'{"a":1}\n{"b":2}\n'


class Unreachable:
    """A client that cannot connect."""

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="https://aws.example")

        return call


def test_unreachable_s3_raises_throttled() -> None:
    nobody: Any = Unreachable()
    uploads = S3Uploads(nobody, "bucket")
    upload = FileVersion(PATH, "v", 10)
    for act in (
        lambda: uploads.find(STORE, PATH),
        lambda: list(uploads.read(STORE, upload)),
        lambda: uploads.settle(STORE, upload),
        lambda: uploads.put(STORE, "exports/x", []),
        lambda: SqsContinuationQueue(nobody, "url").again({}),
    ):
        with pytest.raises(ThrottledError):
            act()


def test_s3_error_raises_throttled(aws: Cloud) -> None:
    nowhere = S3Uploads(aws.s3, "no-such-bucket-anywhere")
    with pytest.raises(ThrottledError):
        nowhere.put(STORE, "exports/x", [])
