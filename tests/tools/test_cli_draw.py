"""`milepost draw` and `milepost diff` show a file as a flowchart and in words."""

import json
from pathlib import Path

from tests.support.builders import Json, delay, send, workflow
from tests.support.commands import Answer, milepost
from tests.support.template import ROOT

CART = ROOT / "workflows" / "abandoned-cart.json"


def test_draw_prints_a_flowchart() -> None:
    answer = milepost("draw", CART)
    assert answer.code == 0
    assert any(line.startswith("flowchart") for line in answer.lines)


def test_description_names_workflow_and_its_steps() -> None:
    answer = milepost("draw", CART, "--words")
    assert "Abandoned cart" in answer.lines[0]
    assert "abandoned-cart/reminder" in answer.out


def test_drawing_an_invalid_workflow_prints_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    assert milepost("draw", tmp_path / "a.json").code == 1
    assert milepost("draw", tmp_path / "nowhere.json").code == 2
    assert milepost("draw", tmp_path).code == 2


def test_title_cannot_send_terminal_escapes(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(workflow(send("a"), title="a\x1b[31m\nb")))
    for option in ((), ("--words",)):
        answer = milepost("draw", tmp_path / "a.json", *option)
        assert answer.code == 0
        assert "\x1b" not in answer.out


def changed(folder: Path, old: Json, new: Json) -> Answer:
    (folder / "old.json").write_text(json.dumps(old))
    (folder / "new.json").write_text(json.dumps(new))
    return milepost("diff", folder / "old.json", folder / "new.json")


def test_diff_describes_a_change(tmp_path: Path) -> None:
    old, new = workflow(delay("1 hour", "wait"), send("a")), workflow(send("a"))
    answer = changed(tmp_path, old, new)
    assert answer.code == 0
    assert "wait" in answer.out
    assert answer.lines != milepost("diff", tmp_path / "new.json", tmp_path / "old.json").lines


def test_diff_of_equal_workflows_is_empty(tmp_path: Path) -> None:
    same = workflow(send("a"))
    assert changed(tmp_path, same, same).lines == ["nothing has changed"]


def test_diff_of_an_invalid_workflow_prints_an_error(tmp_path: Path) -> None:
    assert changed(tmp_path, workflow(send("a")), {}).code == 1
    assert milepost("diff", CART, tmp_path / "nowhere.json").code == 2


def test_diff_text_cannot_send_terminal_escapes(tmp_path: Path) -> None:
    answer = changed(tmp_path, workflow(send("a")), workflow(send("a"), title="a\x1b[31m\nb"))
    assert answer.code == 0
    assert "\x1b" not in answer.out
