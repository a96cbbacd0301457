"""The committed JSON Schemas match the models and describe every field."""

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
def test_committed_schema_matches_models(name: str) -> None:
    """If it fails, run `PYTHONPATH=layers/common:tools python -m tests.support.schema`."""
    assert (FOLDER / name).read_text("utf-8") == text(FILES[name])


def test_no_unknown_schema_file_is_committed() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_schema_is_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(FILES[name]))


def properties(document: Json) -> Iterator[tuple[str, Json]]:
    for kind, part in {"": document, **document.get("$defs", {})}.items():
        for name, described in part.get("properties", {}).items():
            yield f"{kind}.{name}", described


@pytest.mark.parametrize("name", FILES)
def test_every_schema_field_has_a_description(name: str) -> None:
    unexplained = [
        place
        for place, described in properties(schema(FILES[name]))
        if len(described.get("description", "")) < 10
    ]
    assert unexplained == []


@pytest.mark.parametrize("name", FILES)
def test_schema_refuses_unknown_fields(name: str) -> None:
    document = schema(FILES[name])
    kinds = [document, *document.get("$defs", {}).values()]
    assert all(kind["additionalProperties"] is False for kind in kinds)


SHIPPED = [*(ROOT / "workflows").glob("*.json"), *(ROOT / "workflows" / "segments").glob("*.json")]


@pytest.mark.parametrize("path", sorted(SHIPPED), ids=lambda p: p.name)
def test_shipped_file_names_its_schema_and_is_valid(path: Any) -> None:
    document = json.loads(path.read_text("utf-8"))
    named = path.parent / document["$schema"]
    assert named.is_file()
    model = FILES[named.name]
    validator = Draft202012Validator(schema(model))
    assert list(validator.iter_errors(document)) == []
    assert isinstance(parse_file(path.read_text("utf-8"), model), model)


@settings(max_examples=how_many(20))
@given(workflows())
def test_schema_accepts_valid_document(document: Json) -> None:
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
def test_schema_refuses_what_publishing_refuses(document: Json) -> None:
    assert isinstance(parse_file(json.dumps(document), Workflow), list)
    assert list(WORKFLOW.iter_errors(document)) != []


def test_settings_schema_refuses_invalid_settings() -> None:
    good = builders.settings()
    assert list(SETTINGS.iter_errors(good)) == []
    wrong: list[Json] = [{"topics": {}}, {"currency": "kr"}, {"nmae": "x"}, {"name": ""}]
    for change in wrong:
        assert list(SETTINGS.iter_errors(good | change)) != []
