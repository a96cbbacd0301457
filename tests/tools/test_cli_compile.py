"""`milepost compile` and `milepost schema` print what other programs read."""

import json
from pathlib import Path

import pytest

from milepost_tools.cli.app import app, main
from milepost_tools.reference.schema import FILES
from tests.support.asl_rules import problems
from tests.support.builders import delay, send, shop, workflow
from tests.support.commands import milepost, write
from tests.support.template import ROOT

CART = ROOT / "workflows" / "abandoned-cart.json"


def test_the_state_machine_is_one_that_step_functions_takes() -> None:
    answer = milepost("compile", CART)
    assert answer.code == 0
    assert problems(answer.json) == []


def test_the_program_is_what_the_functions_read() -> None:
    program = milepost("compile", CART, "--program").json
    assert program["workflow"] == "abandoned-cart"
    assert program["entry"] == "first-wait"
    assert "reminder" in program["nodes"]


def test_a_workflow_that_is_refused_has_no_machine(tmp_path: Path) -> None:
    write(tmp_path, shop(cart=workflow(delay("1 day"), send("wait-1-day", "plane"))))
    answer = milepost("compile", tmp_path / "workflows" / "cart.json")
    assert answer.code == 1
    assert "steps[1].id" in answer.out


def test_a_file_that_does_not_exist_is_a_mistake_of_the_call(tmp_path: Path) -> None:
    assert milepost("compile", tmp_path / "nowhere.json").code == 2
    assert milepost("compile", tmp_path).code == 2
    assert milepost("compile").code == 2


@pytest.mark.parametrize("kind", FILES)
def test_the_schemas_are_the_committed_ones(kind: str) -> None:
    committed = ROOT / "workflows" / "schema" / f"{kind}.schema.json"
    assert milepost("schema", kind).out == committed.read_text("utf-8")


def test_the_schema_of_workflows_is_the_first_choice() -> None:
    assert milepost("schema").out == milepost("schema", "workflow").out


def test_an_unknown_kind_of_file_is_answered_with_the_known_ones() -> None:
    assert 'did you mean "settings"?' in milepost("schema", "setings").err
    assert (
        "it is one of workflow, segment, scoring, settings, test" in milepost("schema", "xyz").err
    )
    assert milepost("schema", "xyz").code == 2


# --- the command itself ---


def test_every_command_explains_itself() -> None:
    listed = milepost("--help").out
    for command in app.registered_commands:
        assert command.name is not None
        assert command.name in listed
        assert milepost(command.name, "--help").code == 0


def test_an_unknown_command_is_a_mistake_of_the_call() -> None:
    assert milepost("publish").code == 2


def test_the_exit_code_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "test"]) == 0
    assert "cases" in json.loads(capsys.readouterr().out)["properties"]
    assert main(["check", "no-such-folder"]) == 2
    assert "no-such-folder" in capsys.readouterr().err


def test_a_mistake_of_our_own_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: object) -> None:
        raise TypeError("no \x1b[31m colors")

    monkeypatch.setattr("milepost_tools.cli.schema.schema_text", broken)
    assert main(["schema"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "TypeError: no \\x1b[31m colors" in line
    assert "report it" in line
