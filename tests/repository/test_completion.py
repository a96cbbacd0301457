"""What an editor does with the workflow's schema: completion, explanation and error marks.

The tests use no editor: editors and these tests follow the schema alone. A position is an object in
the file; its choices are the schemas that may describe it there.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from milepost.conditions.operators import OPERATORS
from milepost_tools.reference.vocabulary import CONDITIONS, STEPS, TRIGGERS
from tests.support.reference import EXAMPLES
from tests.support.schema import FOLDER

Json = dict[str, Any]
SCHEMA: Json = json.loads((FOLDER / "workflow.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def everything(part: Any) -> Iterator[Json]:
    """Every object in the schema, the schema itself first."""
    if isinstance(part, dict):
        yield part
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for each in inner:
        yield from everything(each)


def target(reference: str) -> Json:
    """The schema that a `$ref` names."""
    root, _, path = reference.partition("/")
    assert root == "#", reference
    part = SCHEMA
    for key in path.split("/"):
        part = part[key]
    return part


def choices(part: Json) -> list[Json]:
    """The schemas that may describe a position, with references followed."""
    if "$ref" in part:
        return choices(target(part["$ref"]))
    several = part.get("oneOf") or part.get("anyOf")
    return [choice for each in several for choice in choices(each)] if several else [part]


def below(part: Json) -> Iterator[tuple[str, Json]]:
    """The schemas below a schema without choices, by the name of the step that leads there."""
    yield from part.get("properties", {}).items()
    for way in ("items", "additionalProperties"):
        if isinstance(part.get(way), dict):
            yield way, part[way]
    for pattern, inner in part.get("patternProperties", {}).items():
        yield pattern, inner
    for number, inner in enumerate(part.get("prefixItems", [])):
        yield str(number), inner


def reached() -> dict[int, tuple[str, Json]]:
    """Everything that completion can reach from the root, each with the first path to it."""
    seen: dict[int, tuple[str, Json]] = {}
    pending = [("", SCHEMA)]
    while pending:
        place, part = pending.pop(0)
        for choice in choices(part):
            if id(choice) not in seen:
                seen[id(choice)] = (place, choice)
                pending += [(f"{place}.{name}", inner) for name, inner in below(choice)]
    return seen


REACHED = reached()


def words(part: Any) -> set[str]:
    """All values that a schema offers, at any depth."""
    return {
        str(value)
        for each in everything(part)
        for value in [*each.get("enum", []), *([each["const"]] if "const" in each else [])]
    }


def test_every_reference_resolves() -> None:
    references = [each["$ref"] for each in everything(SCHEMA) if "$ref" in each]
    assert len(references) > 100
    assert all(isinstance(target(reference), dict) for reference in references)


def test_every_definition_is_reachable() -> None:
    names = {name for name, part in SCHEMA["$defs"].items() if id(part) not in REACHED}
    assert names == set()


def test_every_word_is_offered_by_completion() -> None:
    offered = {word for _, part in REACHED.values() for word in words({**part, "$defs": None})}
    assert offered == words(SCHEMA)
    assert {"send_email", "catalog", "migrate", "sunday", "price_drop"} <= offered


def test_every_field_has_a_title_and_a_description() -> None:
    bare = [
        f"{place}.{name}"
        for place, part in REACHED.values()
        for name, field in part.get("properties", {}).items()
        if not (told(field, "title") and len(told(field, "description")) >= 10)
    ]
    assert bare == []


def told(field: Json, what: str) -> str:
    """What an editor shows for a field: its own text, or that of the schema it refers to."""
    return str(field.get(what) or ("$ref" in field and target(field["$ref"]).get(what)) or "")


def test_every_position_has_a_description() -> None:
    silent = [
        place
        for place, part in REACHED.values()
        if "properties" in part and len(part.get("description", "")) < 10
    ]
    assert silent == []


def test_titles_are_readable_words() -> None:
    titles = {name: part["title"] for name, part in SCHEMA["$defs"].items()}
    assert [title for title in titles.values() if "_" in title or title != title.strip()] == []
    assert titles["WaitFor"] == "Wait for"
    assert titles["SendSms"] == "Send SMS"
    assert len(set(titles.values())) == len(titles)


STEP_LISTS = [
    (place, part["items"])
    for place, part in REACHED.values()
    if part.get("type") == "array" and len(choices(part.get("items", {}))) == len(STEPS)
]
CONDITION_PLACES = [
    (f"{place}.{name}", field)
    for place, part in REACHED.values()
    for name, field in part.get("properties", {}).items()
    if name in {"where", "if", "audience", "not"} and "oneOf" in field
]


def test_steps_and_conditions_are_completed_at_every_position() -> None:
    assert len(STEP_LISTS) == 6  # the file's, both ends of a wait, paths of both kinds, else
    assert len(CONDITION_PLACES) == 11  # audience, if, not, and every where


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: str(kind.name))
def test_step_type_selects_one_schema_everywhere(kind: Any) -> None:
    for place, part in STEP_LISTS:
        fitting = [
            each for each in choices(part) if each["properties"]["type"]["const"] == kind.name
        ]
        assert len(fitting) == 1, place
        assert {"id", "type"} <= set(fitting[0]["required"])


@pytest.mark.parametrize("kind", TRIGGERS, ids=lambda kind: str(kind.name))
def test_trigger_type_selects_one_schema(kind: Any) -> None:
    found = [
        each["properties"]["type"]["const"] for each in choices(SCHEMA["properties"]["trigger"])
    ]
    assert found.count(kind.name) == 1


@pytest.mark.parametrize("kind", CONDITIONS, ids=lambda kind: str(kind.name))
def test_first_key_of_condition_selects_one_schema_everywhere(kind: Any) -> None:
    for place, part in CONDITION_PLACES:
        fitting = [each for each in choices(part) if kind.name in each["properties"]]
        assert len(fitting) == 1, place
        assert kind.name in fitting[0]["required"]


@pytest.mark.parametrize("leaf", ["contact", "event", "step"])
def test_every_operator_is_offered_in_comparisons(leaf: str) -> None:
    part = next(each for each in choices(CONDITION_PLACES[0][1]) if leaf in each["required"])
    assert set(OPERATORS) <= set(part["properties"])


def positions(value: Any, part: Json, place: str = "") -> Iterator[tuple[str, Any, list[Json]]]:
    """Every object in a file with the schemas that fit it there."""
    fitting = [each for each in choices(part) if fits(value, each)]
    if isinstance(value, dict):
        yield place, value, fitting
    for choice in fitting[:1]:
        for name, inner in value.items() if isinstance(value, dict) else ():
            way = choice.get("properties", {}).get(name)
            if way is not None:
                yield from positions(inner, way, f"{place}.{name}")
        for number, inner in enumerate(value) if isinstance(value, list) else ():
            if "items" in choice:
                yield from positions(inner, choice["items"], f"{place}[{number}]")


def fits(value: Any, part: Json) -> bool:
    return bool(VALIDATOR.evolve(schema={**part, "$defs": SCHEMA["$defs"]}).is_valid(value))


@pytest.mark.parametrize("name", EXAMPLES)
def test_editor_accepts_every_example(name: str) -> None:
    document = json.loads(EXAMPLES[name].read_text("utf-8"))
    assert list(VALIDATOR.iter_errors(document)) == []
    described = 0
    for place, value, fitting in positions(document, SCHEMA):
        assert len(fitting) == 1, place
        free = "properties" not in fitting[0]  # names that the author chooses
        assert free or value.keys() <= fitting[0]["properties"].keys(), place
        described += not free
    assert described >= 3  # the file, its trigger, and a step


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("step-")])
def test_editor_marks_misspelled_step_field(name: str) -> None:
    document = json.loads(EXAMPLES[name].read_text("utf-8"))
    document["steps"][0]["tpye"] = "x"
    assert list(VALIDATOR.iter_errors(document)) != []
