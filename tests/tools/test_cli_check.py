"""`milepost check` reports every error that publishing would find."""

import json
from pathlib import Path

import pytest

from milepost_tools.cli.local_store import MAX_FILES
from tests.support.builders import Content, Json, send, settings, shop, template, wait_for, workflow
from tests.support.commands import milepost, write
from tests.support.template import ROOT

GOOD = workflow(send("reminder"))


def test_shipped_store_has_no_problems() -> None:
    answer = milepost("check", ROOT / "workflows")
    assert (answer.code, answer.out) == (0, "3 workflows, 2 segments, 6 templates: all good\n")


def test_folder_above_store_is_accepted() -> None:
    assert milepost("check", ROOT).lines == ["3 workflows, 2 segments, 6 templates: all good"]


def test_folder_laid_out_like_bucket_is_checked(tmp_path: Path) -> None:
    answer = milepost("check", write(tmp_path, shop(cart=GOOD)))
    assert answer.lines == ["1 workflow, 1 template: all good"]


def test_single_file_is_checked_within_its_store() -> None:
    answer = milepost("check", ROOT / "workflows" / "welcome.json")
    assert answer.lines == ["1 workflow, 0 templates: all good"]


def test_template_file_selects_its_whole_folder() -> None:
    file = ROOT / "workflows" / "templates" / "welcome" / "hello" / "subject.txt"
    assert milepost("check", file).lines == ["0 workflows, 1 template: all good"]


def test_layout_file_selects_every_template() -> None:
    answer = milepost("check", ROOT / "workflows" / "templates" / "_layout")
    assert answer.lines == ["0 workflows, 6 templates: all good"]


def test_problems_of_all_files_are_reported_together(tmp_path: Path) -> None:
    files = shop(cart=workflow(send("a", "plane")), second=workflow(send("B"), titel="x"))
    files |= template("broken", body="{{ contact.frist_name }}")
    answer = milepost("check", write(tmp_path, files))
    assert answer.code == 1
    assert answer.lines == [
        f'{tmp_path}/templates/broken/body.html: line 1: contact has no "frist_name"'
        ' (did you mean "first_name"?)',
        f'{tmp_path}/workflows/cart.json: steps[0].template: no template named "plane" is published'
        ' (did you mean "plain"?)',
        f"{tmp_path}/workflows/second.json: steps[0].id: 'B' is not written as it must be"
        " (lower-case letters, digits and hyphens, starting with a letter or digit)",
        f"{tmp_path}/workflows/second.json: titel: is not a field that is known here"
        ' (did you mean "title"?)',
    ]


def test_only_problems_of_requested_file_are_reported(tmp_path: Path) -> None:
    write(tmp_path, shop(cart=workflow(send("a", "plane")), second=GOOD))
    assert milepost("check", tmp_path / "workflows" / "second.json").code == 0
    assert milepost("check", tmp_path / "workflows" / "cart.json").code == 1


def test_workflow_fails_if_its_template_or_settings_have_errors(tmp_path: Path) -> None:
    """Publishing would refuse the workflow, so a check of its file alone must not pass."""
    case = {"name": "somebody without consent", "expect": {"messages": [{"step": "reminder"}]}}
    files = shop("plain", "other", cart=GOOD, second=workflow(send("b", "other")))
    bad: dict[str, dict[str, Content]] = {
        "settings.json": {"settings.json": settings(currency="kr")},
        "templates/plain/body.html": template("plain", body="{{ contact.frist_name }}"),
        "tests/cart.test.json": {"tests/cart.test.json": {"workflow": "cart", "cases": [case]}},
    }
    for number, (file, changes) in enumerate(bad.items()):
        root = write(tmp_path / str(number), files | changes)
        answer = milepost("check", root / "workflows" / "cart.json")
        assert (answer.code, len(answer.lines)) == (1, 1)
        assert answer.lines[0].startswith(f"{root}/{file}: ")
        second = milepost("check", root / "workflows" / "second.json")
        assert second.code == (1 if file == "settings.json" else 0)


def test_several_stores_are_checked_in_one_call(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", shop(cart=GOOD)), write(tmp_path / "two", shop(cart=GOOD))
    assert milepost("check", one, two).lines == ["2 workflows, 2 templates: all good"]


def test_settings_error_is_reported_once(tmp_path: Path) -> None:
    files = shop(cart=workflow(send("a"), audience={"consents_to": "offers"}))
    files["settings.json"] = settings(currency="kr", nmae="x")
    answer = milepost("check", write(tmp_path, files))
    assert [line.partition(": ")[2].partition(":")[0] for line in answer.lines] == [
        "currency",
        "nmae",
    ]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"topics": 3}', "\ufeff{,}", "[" * 2000])
def test_unreadable_settings_hide_no_other_error(tmp_path: Path, content: str) -> None:
    files = shop(cart=workflow(send("a", "plane")), second=GOOD)
    files["settings.json"] = content
    answer = milepost("check", write(tmp_path, files))
    assert answer.code == 1
    assert any("settings.json" in line for line in answer.lines)
    rest = [line for line in answer.lines if "settings.json" not in line]
    assert [line.partition(": ")[2].partition(":")[0] for line in rest] == ["steps[0].template"]


def test_store_without_settings_is_reported(tmp_path: Path) -> None:
    files = shop(cart=GOOD)
    del files["settings.json"]
    answer = milepost("check", write(tmp_path, files))
    assert answer.lines == [
        f"{tmp_path}/settings.json: file: is missing (it says who the store is, and its topics)"
    ]


def test_broken_template_is_not_reported_in_workflows_using_it(
    tmp_path: Path,
) -> None:
    files = shop(cart=GOOD) | template("plain", body="{{ contact.frist_name }}")
    answer = milepost("check", write(tmp_path, files))
    assert len(answer.lines) == 1
    assert "templates/plain" in answer.out


def test_test_files_are_checked(tmp_path: Path) -> None:
    case = {"name": "nobody is mailed", "expect": {"messages": []}}
    files = shop(cart=workflow(send("a"), category="transactional"))
    files["tests/cart.test.json"] = {"workflow": "cart", "cases": [case]}
    files["tests/lost.test.json"] = {"workflow": "crat", "cases": [case]}
    files["tests/other.test.json"] = {"workflow": "cart", "cases": [case]}
    files["tests/wrong.test.json"] = {"workflow": "cart", "cases": []}
    answer = milepost("check", write(tmp_path, files))
    assert answer.lines == [
        f"{tmp_path}/tests/cart.test.json: cases[0].expect.messages: "
        "expected none, but it was a after no time",
        f'{tmp_path}/tests/lost.test.json: workflow: no workflow named "crat"'
        ' (did you mean "cart"?)',
        f"{tmp_path}/tests/other.test.json: workflow: this is not the file of cart's tests"
        " (call it tests/cart.test.json, or publishing does not find it)",
        f"{tmp_path}/tests/wrong.test.json: cases: has 0, and needs at least 1",
    ]


def test_json_option_prints_json(tmp_path: Path) -> None:
    write(tmp_path, shop(cart=workflow(send("a", "plane"))))
    answer = milepost("check", tmp_path, "--json")
    assert answer.code == 1
    assert answer.json == {
        "workflows": 1,
        "segments": 0,
        "templates": 1,
        "problems": [
            {
                "file": f"{tmp_path}/workflows/cart.json",
                "location": "steps[0].template",
                "reason": 'no template named "plane" is published',
                "remedy": 'did you mean "plain"?',
            }
        ],
        "unknown": [],
    }


def test_terminal_gets_a_table(tmp_path: Path) -> None:
    write(tmp_path, shop(cart=workflow(send("a", "plane"))))
    answer = milepost("check", tmp_path, terminal=True)
    assert "error" in answer.out
    assert "steps[0].template" in answer.out


def test_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    answer = milepost("check", tmp_path / "nowhere")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"{tmp_path}/nowhere: there is no such file or folder\n"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("imports/people.import.json", "milepost import FILE --dry-run reads it with its contacts"),
        ("workflow/cart.json", "is nothing that is published: workflows/NAME.json, "),
        ("readme.txt", "is nothing that is published: "),
    ],
)
def test_file_that_is_not_checked_is_not_reported_as_ok(
    tmp_path: Path, path: str, said: str
) -> None:
    write(tmp_path, {**shop(cart=GOOD), path: "{}"})
    answer = milepost("check", tmp_path / path)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"{tmp_path}/{path}: ")
    assert said in answer.err


def test_folder_without_store_is_refused(tmp_path: Path) -> None:
    assert milepost("check", tmp_path).code == 1


DEEP = '{"a":' * 5000
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "no json": b"title: A workflow",
    "no object": b"[1, 2]",
    "binary": bytes(range(256)),
    "half a letter": json.dumps(workflow(send("a"), title="\ud800")).encode(),
    "terminal codes": json.dumps(workflow(send("a"), title="\x1b[31m", nmae=1)).encode(),
    "a field of terminal codes": json.dumps(workflow(send("a")) | {"\x1b[2J": 1}).encode(),
    "deep": DEEP.encode(),
    "twice": b'{"title": 1, "title": 2}',
    "infinite": b'{"title": NaN}',
    "a long number": b'{"title": ' + b"9" * 5000 + b"}",
    "huge": b" " * (1024 * 1024 + 1),
    "wrong all over": b'{"title": {}, "trigger": 1, "steps": {"a": 1}, "audience": [], "goal": 0}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_gets_a_readable_error(tmp_path: Path, kind: str) -> None:
    write(tmp_path, shop(cart=GOOD))
    (tmp_path / "workflows" / "hostile.json").write_bytes(HOSTILE[kind])
    answer = milepost("check", tmp_path)
    assert answer.code == 1 or kind == "half a letter"
    assert all("hostile.json: " in line for line in answer.lines)
    assert "\x1b" not in answer.out


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("place", ["tests/x.test.json", "settings.json", "templates/t/subject.txt"])
def test_hostile_files_get_an_error_in_every_folder(tmp_path: Path, kind: str, place: str) -> None:
    write(tmp_path, shop("plain", "t", cart=GOOD, second=workflow(wait_for("w", "E", "1 day"))))
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_bytes(HOSTILE[kind])
    answer = milepost("check", tmp_path)
    assert answer.code in {0, 1}
    assert "\x1b" not in answer.out


def test_undecodable_file_name_is_shown_escaped(tmp_path: Path) -> None:
    write(tmp_path, shop(cart=GOOD))
    (tmp_path / "workflows" / "a\x1b[31m.json").write_text("{}")
    answer = milepost("check", tmp_path)
    assert answer.code == 1
    assert "\x1b" not in answer.out


def test_broken_symlinks_and_pipes_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, shop(cart=GOOD))
    (tmp_path / "workflows" / "gone.json").symlink_to(tmp_path / "nothing")
    (tmp_path / "workflows" / "loop.json").symlink_to(tmp_path / "workflows" / "loop.json")
    assert milepost("check", tmp_path).code == 0


def test_folder_with_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_FILES >= 10_000
    monkeypatch.setattr("milepost_tools.cli.local_store.MAX_FILES", 3)
    write(tmp_path, {f"{n}.json": {} for n in range(4)})
    answer = milepost("check", tmp_path)
    assert answer.code == 2
    assert "name the folder of one store" in answer.err


def test_check_writes_no_file(tmp_path: Path) -> None:
    write(tmp_path, shop(cart=GOOD))
    before = sorted(tmp_path.rglob("*"))
    milepost("check", tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_template_version_known_only_to_aws_is_a_warning(
    tmp_path: Path,
) -> None:
    files = shop(cart=workflow(send("a", template_version="0123456789abcdef")))
    answer = milepost("check", write(tmp_path, files))
    assert (answer.code, answer.lines) == (
        0,
        ["1 workflow, 1 template: good, as far as can be known here"],
    )
    assert answer.err.startswith(
        f"not known here: {tmp_path}/workflows/cart.json: steps[0].template_version: only "
        "publishing knows if plain was ever live as 0123456789abcdef (templates/plain is "
    )
    (unknown,) = milepost("check", tmp_path, "--json").json["unknown"]
    assert unknown["location"] == "steps[0].template_version"
    simulated = milepost("simulate", tmp_path / "workflows" / "cart.json", "--consent", "offers")
    assert 'a: mails "About plain"' in simulated.out
    assert simulated.err == answer.err


def test_template_version_of_current_folder_is_accepted(tmp_path: Path) -> None:
    root = write(tmp_path, shop(cart=workflow(send("a", template_version="0" * 16))))
    now = milepost("check", root).err.rpartition("templates/plain is ")[2][:16]
    write(root, shop(cart=workflow(send("a", template_version=now))))
    answer = milepost("check", root)
    assert (answer.lines, answer.err) == (["1 workflow, 1 template: all good"], "")


def test_draft_workflows_are_checked(tmp_path: Path) -> None:
    draft: Json = workflow(send("a", "plane"), status="draft")
    assert milepost("check", write(tmp_path, shop(cart=draft))).code == 1


def test_segments_and_scoring_are_checked(tmp_path: Path) -> None:
    wrong: dict[str, dict[str, object]] = {
        "segments/vip.json": {"title": "Vip", "condition": {"in_segment": "gold"}},
        "segments/ok.json": {"title": "Fine", "condition": {"did": "Order Completed"}},
        "scoring.json": {"points": [{"id": "a", "event": "A", "points": 9999}]},
    }
    write(tmp_path, {**shop(cart=workflow(send("a"))), **wrong})
    answer = milepost("check", tmp_path)
    assert answer.code == 1
    assert 'no segment named "gold" is published' in answer.out
    assert "points[0].points" in answer.out
