"""A kill at any call of an import or its undo must not change the result.

Each story runs once without faults, and then once for every call of a port, with a kill before the
call, and once with a kill after it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.builders import ADA, send, settings, template, workflow
from tests.support.faults import Faults, Kill
from tests.support.imports import Desk, csv
from tests.support.world import World

BOB = "bob@mail.example"
ROWS = csv(
    "email,first_name,accepts_marketing",
    f"{ADA},Ada,no",
    f"{BOB},Bob,",
    "nobody,,",
    f"{BOB},Twice,",
    *(f"p{n}@mail.example,P,yes" for n in range(4)),
)

Story = Callable[[Desk], None]
FILES = {
    "settings.json": settings(),
    **template("plain"),
    "workflows/w.json": workflow(
        send("hello"),
        category="transactional",
        topic=None,
        trigger={"type": "list", "list": "vip"},
    ),
}


def is_imported(desk: Desk) -> None:
    desk.bring(ROWS, lists=["vip"], enroll=True, rows_per_second=3)


def is_imported_quietly(desk: Desk) -> None:
    desk.bring(ROWS, lists=["vip"], rows_per_second=3)


def is_checked(desk: Desk) -> None:
    desk.bring(ROWS, dry_run=True, rows_per_second=3)


def is_taken_back(desk: Desk) -> None:
    desk.take_back(desk.bring(ROWS, rows_per_second=3))


def is_refused(desk: Desk) -> None:
    desk.bring("name\nAda\n")


STORIES: list[Story] = [is_imported, is_checked, is_taken_back, is_refused]
CASES = [
    pytest.param(
        story, id=story.__name__, marks=[pytest.mark.deep] if story is is_taken_back else []
    )
    for story in STORIES
]
"""The story with the most kills runs only in `make test-deep`."""


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(FILES)
    return world


def run_story(story: Story, published: World, faults: Faults | None = None) -> Desk:
    """Ada is known before. Every call imports only three rows."""
    desk = Desk(World(published=published, faults=faults), batches=1)
    desk.world.event("Signed Up", email=ADA, first_name="Adele", consent=[GRANTED])
    desk.pass_time(1)
    story(desk)
    desk.pass_time(10)
    return desk


GRANTED = {"topic": "offers", "state": "granted", "at": "2026-11-01T00:00:00Z"}


def outcome(desk: Desk) -> Any:
    """The visible result."""
    (done,) = desk.imports.held.values()
    returned = done.returned
    texts = {p: t for (_, p), t in desk.files.texts.items() if ".errors-" in p}
    return {
        "phase": done.phase,
        "counts": done.counts,
        "samples": done.samples,
        "undone": (returned.rows, returned.restored, returned.erased + returned.left),
        "report": desk.report(done)["outcome"],
        "errors": texts,
        "people": desk.people,
        "consent": {c: p.consents() for (_, c), p in desk.world.state.profiles.items()},
        "events": sorted(
            (contact, name, id_)
            for (_, contact), held in desk.world.state.events.items()
            for name, _, id_ in held
        ),
        "identities": desk.world.state.identities,
        "settled": set(desk.uploads.settled),
        "mails": sorted(mail.to for mail in desk.world.mails),
    }


def kills(undisturbed: Desk) -> Iterator[Kill]:
    for scope, number, _ in undisturbed.world.faults.calls:
        if scope == "import":
            yield Kill("import", number, "before")
            yield Kill("import", number, "after")


@pytest.mark.no_cover
@pytest.mark.parametrize("story", CASES)
def test_kill_at_any_call_changes_no_result_of_the_import(story: Story, published: World) -> None:
    undisturbed = run_story(story, published)
    expected = outcome(undisturbed)
    struck = set()
    for kill in kills(undisturbed):
        desk = run_story(story, published, Faults(kill))
        assert desk.world.faults.struck, kill
        struck |= {*desk.world.faults.struck}
        assert outcome(desk) == expected, desk.world.faults.struck
    assert {place.split()[1].split(".")[0] for place in struck} >= {"uploads", "imports", "reports"}


@pytest.mark.parametrize("seed", range(30))
def test_random_kills_give_the_same_import_result(seed: int, published: World) -> None:
    story = (is_imported_quietly, is_checked, is_taken_back)[seed % 3]
    expected = outcome(run_story(story, published))
    desk = run_story(story, published, Faults(rate=0.01, seed=seed))
    assert outcome(desk) == expected, desk.world.faults.struck


def test_overlapping_calls_with_same_message_give_the_same_import_result(published: World) -> None:
    """SQS can deliver a message twice, and two uploads can start the same import at once."""
    undisturbed = run_story(is_imported, published)
    for kill in list(kills(undisturbed))[::3]:
        faults = Faults()
        desk = Desk(World(published=published, faults=faults), batches=1)
        desk.world.event("Signed Up", email=ADA, first_name="Adele", consent=[GRANTED])
        desk.pass_time(1)

        def repeat_messages(desk: Desk = desk) -> None:
            for message in [*desk.delivered]:
                desk.call(message)

        faults.meanwhile(kill, repeat_messages)
        is_imported(desk)
        desk.pass_time(10)
        assert outcome(desk)["people"] == outcome(undisturbed)["people"]
        assert outcome(desk)["counts"] == outcome(undisturbed)["counts"]
        assert outcome(desk)["mails"] == outcome(undisturbed)["mails"]
        assert outcome(desk)["errors"] == outcome(undisturbed)["errors"]
