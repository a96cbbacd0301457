"""`milepost compile` and `milepost schema` print JSON for other programs."""

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


def test_compile_prints_valid_asl() -> None:
    answer = milepost("compile", CART)
    assert answer.code == 0
    assert problems(answer.json) == []


def test_compile_prints_program_as_stored() -> None:
    program = milepost("compile", CART, "--program").json
    assert program["workflow"] == "abandoned-cart"
    assert program["entry"] == "first-wait"
    assert "reminder" in program["nodes"]


def test_refused_workflow_prints_no_state_machine(tmp_path: Path) -> None:
    write(tmp_path, shop(cart=workflow(delay("1 day"), send("wait-1-day", "plane"))))
    answer = milepost("compile", tmp_path / "workflows" / "cart.json")
    assert answer.code == 1
    assert "steps[1].id" in answer.out


def test_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    assert milepost("compile", tmp_path / "nowhere.json").code == 2
    assert milepost("compile", tmp_path).code == 2
    assert milepost("compile").code == 2


@pytest.mark.parametrize("kind", FILES)
def test_schema_command_prints_committed_schema(kind: str) -> None:
    committed = ROOT / "workflows" / "schema" / f"{kind}.schema.json"
    assert milepost("schema", kind).out == committed.read_text("utf-8")


def test_schema_command_defaults_to_workflow() -> None:
    assert milepost("schema").out == milepost("schema", "workflow").out


def test_unknown_schema_kind_lists_known_kinds() -> None:
    assert 'did you mean "settings"?' in milepost("schema", "setings").err
    assert (
        "it is one of workflow, segment, scoring, settings, test" in milepost("schema", "xyz").err
    )
    assert milepost("schema", "xyz").code == 2


# --- the command itself ---


def test_every_command_has_help() -> None:
    listed = milepost("--help").out
    for command in app.registered_commands:
        assert command.name is not None
        assert command.name in listed
        assert milepost(command.name, "--help").code == 0


def test_unknown_command_is_a_usage_error() -> None:
    assert milepost("publish").code == 2


def test_process_exits_with_code_of_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "test"]) == 0
    assert "cases" in json.loads(capsys.readouterr().out)["properties"]
    assert main(["check", "no-such-folder"]) == 2
    assert "no-such-folder" in capsys.readouterr().err


def test_internal_error_prints_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: object) -> None:
        raise TypeError("no \x1b[31m colors")

    monkeypatch.setattr("milepost_tools.cli.schema.schema_text", broken)
    assert main(["schema"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "TypeError: no \\x1b[31m colors" in line
    assert "report it" in line
