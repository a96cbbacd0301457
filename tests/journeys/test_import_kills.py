"""An import may be killed at any line, and taking one back too: nobody may notice.

Each story is told once undisturbed, and then anew for every single call that the function makes to
the outside, with the function killed just before it, and again just after it.
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
"""The story that has to be killed the most often is a part of `make test-deep` alone."""


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(FILES)
    return world


def tell(story: Story, published: World, faults: Faults | None = None) -> Desk:
    """Somebody is known before, and time is short: every three rows are a call of their own."""
    desk = Desk(World(published=published, faults=faults), batches=1)
    desk.world.event("Signed Up", email=ADA, first_name="Adele", consent=[GRANTED])
    desk.pass_time(1)
    story(desk)
    desk.pass_time(10)
    return desk


GRANTED = {"topic": "offers", "state": "granted", "at": "2026-11-01T00:00:00Z"}


def outcome(desk: Desk) -> Any:
    """All that anybody can see in the end."""
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
def test_a_kill_changes_nothing_that_anyone_sees(story: Story, published: World) -> None:
    undisturbed = tell(story, published)
    expected = outcome(undisturbed)
    struck = set()
    for kill in kills(undisturbed):
        desk = tell(story, published, Faults(kill))
        assert desk.world.faults.struck, kill
        struck |= {*desk.world.faults.struck}
        assert outcome(desk) == expected, desk.world.faults.struck
    assert {place.split()[1].split(".")[0] for place in struck} >= {"uploads", "imports", "reports"}


@pytest.mark.parametrize("seed", range(30))
def test_any_number_of_kills_comes_to_the_same(seed: int, published: World) -> None:
    story = (is_imported_quietly, is_checked, is_taken_back)[seed % 3]
    expected = outcome(tell(story, published))
    desk = tell(story, published, Faults(rate=0.01, seed=seed))
    assert outcome(desk) == expected, desk.world.faults.struck


def test_two_functions_with_the_same_message_come_to_the_same(published: World) -> None:
    """SQS may hand any message over twice, and two uploads may ask for the same at once."""
    undisturbed = tell(is_imported, published)
    for kill in list(kills(undisturbed))[::3]:
        faults = Faults()
        desk = Desk(World(published=published, faults=faults), batches=1)
        desk.world.event("Signed Up", email=ADA, first_name="Adele", consent=[GRANTED])
        desk.pass_time(1)

        def again(desk: Desk = desk) -> None:
            for message in [*desk.delivered]:
                desk.call(message)

        faults.meanwhile(kill, again)
        is_imported(desk)
        desk.pass_time(10)
        assert outcome(desk)["people"] == outcome(undisturbed)["people"]
        assert outcome(desk)["counts"] == outcome(undisturbed)["counts"]
        assert outcome(desk)["mails"] == outcome(undisturbed)["mails"]
        assert outcome(desk)["errors"] == outcome(undisturbed)["errors"]
