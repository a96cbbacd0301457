"""`milepost draw` and `milepost diff` say in pictures and words what a file holds."""

import json
from pathlib import Path

from tests.support.builders import Json, delay, send, workflow
from tests.support.commands import Answer, milepost
from tests.support.template import ROOT

CART = ROOT / "workflows" / "abandoned-cart.json"


def test_a_picture_is_a_flowchart() -> None:
    answer = milepost("draw", CART)
    assert answer.code == 0
    assert any(line.startswith("flowchart") for line in answer.lines)


def test_plain_words_name_the_workflow_and_its_steps() -> None:
    answer = milepost("draw", CART, "--words")
    assert "Abandoned cart" in answer.lines[0]
    assert "abandoned-cart/reminder" in answer.out


def test_what_cannot_be_drawn_is_answered_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    assert milepost("draw", tmp_path / "a.json").code == 1
    assert milepost("draw", tmp_path / "nowhere.json").code == 2
    assert milepost("draw", tmp_path).code == 2


def test_no_title_can_color_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(workflow(send("a"), title="a\x1b[31m\nb")))
    for option in ((), ("--words",)):
        answer = milepost("draw", tmp_path / "a.json", *option)
        assert answer.code == 0
        assert "\x1b" not in answer.out


def changed(folder: Path, old: Json, new: Json) -> Answer:
    (folder / "old.json").write_text(json.dumps(old))
    (folder / "new.json").write_text(json.dumps(new))
    return milepost("diff", folder / "old.json", folder / "new.json")


def test_a_change_is_told_in_words(tmp_path: Path) -> None:
    old, new = workflow(delay("1 hour", "wait"), send("a")), workflow(send("a"))
    answer = changed(tmp_path, old, new)
    assert answer.code == 0
    assert "wait" in answer.out
    assert answer.lines != milepost("diff", tmp_path / "new.json", tmp_path / "old.json").lines


def test_what_is_the_same_has_not_changed(tmp_path: Path) -> None:
    same = workflow(send("a"))
    assert changed(tmp_path, same, same).lines == ["nothing has changed"]


def test_what_is_no_workflow_cannot_be_compared(tmp_path: Path) -> None:
    assert changed(tmp_path, workflow(send("a")), {}).code == 1
    assert milepost("diff", CART, tmp_path / "nowhere.json").code == 2


def test_no_text_of_a_change_can_color_the_terminal(tmp_path: Path) -> None:
    answer = changed(tmp_path, workflow(send("a")), workflow(send("a"), title="a\x1b[31m\nb"))
    assert answer.code == 0
    assert "\x1b" not in answer.out
