from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from moto import mock_aws

from milepost.base.errors import ThrottledError
from milepost.base.parse_file import parse_file
from milepost.publishing.settings_file import SettingsFile
from milepost.sending.aws import S3Attachments
from milepost.stores.aws import MAX_BYTES, S3Files


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        made = boto3.client("s3", region_name="us-east-1")
        made.create_bucket(Bucket="files")
        yield made


@pytest.fixture
def files(client: Any) -> S3Files:
    return S3Files(client, "files")


def put(client: Any, **objects: str | bytes) -> None:
    for key, body in objects.items():
        client.put_object(Bucket="files", Key=key, Body=body)


def test_read_returns_current_content_or_none(client: Any, files: S3Files) -> None:
    assert files.read("a", "settings.json") is None
    put(client, **{"a/settings.json": "één"})
    assert files.read("a", "settings.json") == "één"
    client.delete_object(Bucket="files", Key="a/settings.json")
    assert files.read("a", "settings.json") is None


def test_folder_returns_only_files_directly_inside(client: Any, files: S3Files) -> None:
    put(
        client,
        **{
            "a/templates/x/body.html": "1",
            "a/templates/x/deep/y.html": "2",
            "a/templates/x/": "",
            "a/templates/xy/body.html": "3",
            "b/templates/x/body.html": "4",
        },
    )
    assert files.folder("a", "templates/x") == {"body.html": "1"}
    assert files.paths("a", "templates") == [
        "templates/x/body.html",
        "templates/x/deep/y.html",
        "templates/xy/body.html",
    ]
    assert files.folder("a", "nothing") == {}


def test_paths_reads_every_result_page() -> None:
    class Pages:
        def get_paginator(self, name: str) -> Any:
            assert name == "list_objects_v2"
            return self

        def paginate(self, **_: Any) -> Any:
            return [{"Contents": [{"Key": "a/t/2"}]}, {}, {"Contents": [{"Key": "a/t/1"}]}]

    assert S3Files(Pages(), "files").paths("a", "t") == ["t/1", "t/2"]  # type: ignore[arg-type]


def test_write_sets_content_type_by_extension(client: Any, files: S3Files) -> None:
    files.write("a", "reports/x.report.json", "{}")
    files.write("a", "reports/x.report.md", "# é")
    kinds = [
        client.get_object(Bucket="files", Key=f"a/reports/x.report.{end}")["ContentType"]
        for end in ("json", "md")
    ]
    assert kinds == ["application/json; charset=utf-8", "text/markdown; charset=utf-8"]
    assert files.read("a", "reports/x.report.md") == "# é"


def test_report_with_lone_surrogate_is_written_escaped(files: S3Files) -> None:
    files.write("a", "reports/x.report.md", "unknown field \ud800")
    assert files.read("a", "reports/x.report.md") == "unknown field \\ud800"


def test_file_that_is_not_utf8_is_read_with_replacement_characters(
    client: Any, files: S3Files
) -> None:
    put(client, **{"a/settings.json": b'{"name": "\xff"}'})
    assert files.read("a", "settings.json") == '{"name": "\ufffd"}'


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_oversized_file_is_read_far_enough_to_be_refused(
    client: Any, files: S3Files, letter: str
) -> None:
    put(client, **{"a/settings.json": (letter * (MAX_BYTES // 2)).encode() + b"x" * MAX_BYTES})
    text = files.read("a", "settings.json")
    assert text is not None
    found = parse_file(text, SettingsFile)
    assert [str(each) for each in found] == ["file: is larger than 1 MB (split it)"]


class Broken:
    """A client whose calls all fail."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_object(self, **_: Any) -> Any:
        raise self.error

    def put_object(self, **_: Any) -> Any:
        raise self.error

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        yield self.get_object()


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "x"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "x"),
        ConnectTimeoutError(endpoint_url="x"),
    ],
)
def test_s3_error_raises_throttled_error_for_store_files(error: Exception) -> None:
    """A result of "no such file" would archive live files."""
    broken = S3Files(Broken(error), "files")  # type: ignore[arg-type]
    for call in (
        lambda: broken.read("a", "x"),
        lambda: broken.paths("a", "x"),
        lambda: broken.folder("a", "x"),
        lambda: broken.write("a", "x.md", "x"),
    ):
        with pytest.raises(ThrottledError):
            call()


def test_file_deleted_during_folder_listing_is_left_out(files: S3Files) -> None:
    class Vanishing:
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> Any:
            return [{"Contents": [{"Key": "a/templates/x/body.html"}]}, {}]

        def get_object(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "x")

    assert S3Files(Vanishing(), "files").folder("a", "templates/x") == {}  # type: ignore[arg-type]


def test_attachment_read_is_limited_to_its_store_and_size(
    client: Any,
) -> None:
    attachments = S3Attachments(lambda: client, "files")
    put(client, **{"a/attachments/i/7.pdf": b"%PDF-12345", "b/attachments/i/8.pdf": b"%PDF-"})
    assert attachments.read("a", "i/7.pdf", 100) == b"%PDF-12345"
    assert attachments.read("a", "i/7.pdf", 5) == b"%PDF-"
    assert attachments.read("a", "i/8.pdf", 5) is None


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "SlowDown"}}, "GetObject"),
        ConnectTimeoutError(endpoint_url="https://s3"),
    ],
)
def test_s3_error_raises_throttled_error_for_attachments(error: Exception) -> None:
    class Down:
        def get_object(self, **_: Any) -> Any:
            raise error

    down: Any = Down()
    with pytest.raises(ThrottledError, match="S3"):
        S3Attachments(lambda: down, "files").read("a", "i/7.pdf", 5)
