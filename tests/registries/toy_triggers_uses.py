"""What two new rows of the trigger tables come to; see `toy_triggers.py`."""

import json
from pathlib import Path

import pytest

from milepost.base.parse_file import parse_file
from milepost.workflows.explain.description import describe
from milepost.workflows.explain.difference import compare
from milepost.workflows.explain.mermaid import draw_flowchart
from milepost.workflows.language.workflow import Workflow
from milepost_tools.reference.reference import reference
from milepost_tools.reference.schema import schema
from tests.journeys.visits import data_of, ended, visit, world_of
from tests.support.builders import Json, send, shop
from tests.support.commands import milepost, write
from tests.support.reference import INTRODUCTION, documents
from tests.support.world import World

GOLD = visit(send("hello"), trigger={"type": "badge", "badge": "gold"})
NIGHT = visit(send("hello"), trigger={"type": "nightly"})


def read(document: Json) -> Workflow:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return found


def refused(document: Json) -> str:
    with pytest.raises(AssertionError) as refusal:
        World().publish({**shop(), "workflows/visit.json": document})
    return str(refusal.value)


def test_its_event_lets_in_who_has_what_it_names() -> None:
    world = world_of(send("hello"), trigger=GOLD["trigger"])
    world.event("Badge Earned", {"badge": "silver"})
    world.run_for(minutes=1)
    assert world.mails == []
    world.event("Badge Earned", {"badge": "gold"})
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["hello"]
    assert ended(world) == ("completed", "")


def test_what_comes_by_itself_comes_once_each_time() -> None:
    world = world_of(send("hello"), trigger=NIGHT["trigger"])
    world.event("Visited")
    world.run_for(days=3)
    assert len(data_of(world, "Midnight")) == 3
    assert world.steps_mailed() == ["hello"] * 3


def test_whoever_is_known_before_it_is_published_is_reached_too() -> None:
    world = World()
    world.publish(shop())
    world.event("Visited")
    world.run_for(days=1)
    world.publish({"workflows/visit.json": NIGHT})
    world.run_for(days=2)
    assert world.steps_mailed() == ["hello"] * 2


def test_what_it_names_has_to_be_there() -> None:
    trigger = {"type": "badge", "badge": "gold", "form": "footer"}
    assert 'settings.json has no form "footer"' in refused(visit(send("a"), trigger=trigger))
    nights = {"type": "nightly", "unless": "email"}
    assert "email is a text, and no date" in refused(visit(send("a"), trigger=nights))


def test_it_is_explained_drawn_and_compared() -> None:
    assert "Begins when the badge gold is earned." in describe(read(GOLD))
    assert '[/"badge gold"/]' in draw_flowchart(read(GOLD))
    assert compare(read(GOLD), read(NIGHT)) == [
        "It now begins when it is midnight (it was: the badge gold is earned)."
    ]


def test_it_is_in_the_schema_and_the_reference() -> None:
    assert "BadgeTrigger" in schema(Workflow)["$defs"]
    examples = {**documents(), "trigger-badge": GOLD, "trigger-nightly": NIGHT}
    page = reference(INTRODUCTION.read_text("utf-8"), examples)
    assert "### Trigger `badge`\n\nThe contact earns a badge." in page
    assert "| `badge` | text | yes |" in page


def test_it_is_simulated_and_tested(tmp_path: Path) -> None:
    file = write(tmp_path, shop(visit=GOLD)) / "workflows" / "visit.json"
    answer = milepost("simulate", file, "--start", "2026-11-02T12:00:00Z")
    assert answer.lines[:3] == [
        "Mon 2026-11-02 12:00  Badge Earned",
        "Mon 2026-11-02 12:00  enters visit",
        'Mon 2026-11-02 12:00  hello: mails "About plain" to shopper@mail.example',
    ]
