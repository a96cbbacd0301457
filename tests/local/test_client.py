"""The commands that use a running local stack: publish, event, inbox."""

import json
import stat
from pathlib import Path

import pytest

from local import __main__ as command
from local.errors import LocalError
from local.stack import client
from local.stack.client import FileReport, RunningStack, published_units

STACK = RunningStack("http://localhost:1", "http://localhost:2", "http://localhost:3", "b", {})


def test_command_without_running_stack_says_how_to_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client, "RUN_FOLDER", tmp_path)
    event = tmp_path / "event.json"
    event.write_text("{}")
    calls = (
        ["publish", "acme", str(tmp_path)],
        ["event", "acme", str(event)],
        ["inbox", "a@x.example"],
    )
    for call in calls:
        assert command.main(call) == 1
        assert "python -m local up --store NAME" in capsys.readouterr().err


def test_missing_event_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["event", "acme", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err


def test_saved_stack_is_found_and_readable_by_its_user_only(tmp_path: Path) -> None:
    STACK.save(tmp_path)
    assert RunningStack.find(tmp_path) == STACK
    mode = (tmp_path / client.STATE_FILE).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_event_of_store_without_keys_is_refused_with_remedy() -> None:
    with pytest.raises(LocalError, match="--store acme"):
        STACK.report_event("acme", {})


def test_publishing_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="There is no folder"):
        STACK.publish("acme", tmp_path / "none")


def test_each_published_file_and_template_folder_has_one_report() -> None:
    paths = [
        "settings.json",
        "scoring.json",
        "segments/vip.json",
        "templates/_layout/layout.mjml",
        "templates/cart/first/body.html",
        "templates/cart/first/subject.txt",
        "tests/welcome.test.json",
        "workflows/welcome.json",
        "imports/people.csv",
    ]
    assert published_units(paths) == [
        "settings.json",
        "scoring.json",
        "segments/vip.json",
        "templates/cart/first",
        "workflows/welcome.json",
    ]


def test_report_names_version_and_problems() -> None:
    problem = json.loads(
        '{"location": "steps[0]", "reason": "is wrong", "remedy": "write it right"}'
    )
    live = FileReport("workflows/a.json", "unchanged", "3", ())
    refused = FileReport("workflows/b.json", "refused", "", (problem,))
    template = FileReport("templates/c", "published", "3f2a9c04d1e7b586", ())
    assert [*live.lines()] == ["workflows/a.json: live, version 3"]
    assert [*template.lines()] == ["templates/c: live"]
    assert [*refused.lines()] == [
        "workflows/b.json: refused",
        "  steps[0]: is wrong (write it right)",
    ]
