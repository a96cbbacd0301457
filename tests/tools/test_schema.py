"""The committed JSON Schemas are those of the models, and explain every field."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from milepost.base.parse_file import parse_file
from milepost.publishing.settings_file import SettingsFile
from milepost.workflows.language.workflow import Workflow
from tests.support import builders
from tests.support.builders import branch, delay, send, wait_for, workflow
from tests.support.laws import how_many
from tests.support.random_workflows import workflows
from tests.support.schema import FILES, FOLDER, schema, text
from tests.support.template import ROOT

Json = dict[str, Any]
WORKFLOW = Draft202012Validator(schema(Workflow))
SETTINGS = Draft202012Validator(schema(SettingsFile))


@pytest.mark.parametrize("name", FILES)
def test_the_committed_schema_is_that_of_the_models(name: str) -> None:
    """If not: `PYTHONPATH=layers/common:tools python -m tests.support.schema` writes it anew."""
    assert (FOLDER / name).read_text("utf-8") == text(FILES[name])


def test_no_other_schema_lies_about() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(FILES[name]))


def properties(document: Json) -> Iterator[tuple[str, Json]]:
    for kind, part in {"": document, **document.get("$defs", {})}.items():
        for name, described in part.get("properties", {}).items():
            yield f"{kind}.{name}", described


@pytest.mark.parametrize("name", FILES)
def test_every_field_is_explained(name: str) -> None:
    unexplained = [
        place
        for place, described in properties(schema(FILES[name]))
        if len(described.get("description", "")) < 10
    ]
    assert unexplained == []


@pytest.mark.parametrize("name", FILES)
def test_nothing_else_may_be_written(name: str) -> None:
    document = schema(FILES[name])
    kinds = [document, *document.get("$defs", {}).values()]
    assert all(kind["additionalProperties"] is False for kind in kinds)


SHIPPED = [*(ROOT / "workflows").glob("*.json"), *(ROOT / "workflows" / "segments").glob("*.json")]


@pytest.mark.parametrize("path", sorted(SHIPPED), ids=lambda p: p.name)
def test_what_ships_names_its_schema_and_keeps_to_it(path: Any) -> None:
    document = json.loads(path.read_text("utf-8"))
    named = path.parent / document["$schema"]
    assert named.is_file()
    model = FILES[named.name]
    validator = Draft202012Validator(schema(model))
    assert list(validator.iter_errors(document)) == []
    assert isinstance(parse_file(path.read_text("utf-8"), model), model)


@settings(max_examples=how_many(20))
@given(workflows())
def test_an_editor_underlines_nothing_that_is_right(document: Json) -> None:
    document = {key: value for key, value in document.items() if value is not None}
    assert list(WORKFLOW.iter_errors(document)) == []


WRONG: list[Json] = [
    {},
    workflow(),
    workflow(send("a"), title=""),
    workflow(send("a"), titel="x"),
    workflow(send("A b")),
    workflow(send("a", "Plain")),
    workflow({"id": "a", "type": "send_mail"}),
    workflow(delay("1 day", on_days=["someday"])),
    workflow(send("a"), status="lve"),
    workflow(send("a"), audience={"contact": "a", "gt": "many"}),
    workflow(send("a"), audience={"contatc": "a", "is": 1}),
    workflow(send("a"), audience={"all": []}),
    workflow(branch("a", {"event": "a", "between": [1]}, [])),
    workflow({key: value for key, value in wait_for("w", "E", "1 day").items() if key != "event"}),
]


@pytest.mark.parametrize("document", WRONG, ids=lambda document: json.dumps(document)[-60:])
def test_an_editor_underlines_what_publishing_would_refuse(document: Json) -> None:
    assert isinstance(parse_file(json.dumps(document), Workflow), list)
    assert list(WORKFLOW.iter_errors(document)) != []


def test_settings_are_underlined_too() -> None:
    good = builders.settings()
    assert list(SETTINGS.iter_errors(good)) == []
    wrong: list[Json] = [{"topics": {}}, {"currency": "kr"}, {"nmae": "x"}, {"name": ""}]
    for change in wrong:
        assert list(SETTINGS.iter_errors(good | change)) != []
