"""One person under many names: whatever order the reports come in, and however often, one contact
is left in the end, and all that happened counts once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.contacts.event import Event, IdentifierKind, is_system_event
from milepost.contacts.profile import Profile
from tests.support.builders import ADA, STORE
from tests.support.builders import settings as settings_file
from tests.support.faults import Faults
from tests.support.laws import how_many
from tests.support.random_events import amounts, instants, people
from tests.support.world import World

Identifiers = Mapping[IdentifierKind, str]

WORK = "ada@work.example"
GLUE: list[Identifiers] = [
    {"email": ADA, "external_id": "7"},
    {"email": WORK, "external_id": "7"},
    {"external_id": "7", "phone": "+33612345678"},
    {"external_id": "7", "device": "d-1"},
    {"external_id": "7", "device": "d-2"},
    {"external_id": "7", "cart": "c-1"},
]
"""Events that make one person of all these names, together."""

nobody: dict[str, st.SearchStrategy[str]] = {}
identifiers = st.fixed_dictionaries(
    nobody,
    optional={
        "email": st.sampled_from([ADA, WORK]),
        "external_id": st.just("7"),
        "phone": st.just("+33612345678"),
        "device": st.sampled_from(["d-1", "d-2"]),
        "cart": st.just("c-1"),
    },
).filter(bool)


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """What is reported of one person, the names glued together by some of it."""
    names = [*GLUE, *draw(st.lists(identifiers, max_size=6))]
    return [
        Event(
            store=STORE,
            id=f"{number % 4}",
            name=f"Seen {number // 4}",
            occurred_at=draw(instants),
            source=draw(st.sampled_from(["api", "shopify"])),
            identifiers=cast("Identifiers", held),
            data={"value": draw(amounts)},
            contact=draw(people),
        )
        for number, held in enumerate(names)
    ]


@dataclass(frozen=True)
class Person:
    """All that is known of the one contact that is left."""

    profile: Profile
    timeline: frozenset[tuple[str, Any, str]]
    proofs: frozenset[Any]
    identities: frozenset[tuple[str, str]]


def told(reports: list[Event], pauses: list[int], echo: int = 1, seed: int = 0) -> Person:
    """The person after these reports in this order; after some of them a second passes.

    With a seed `react` is killed now and then, so that some contacts lag behind others.
    """
    world = World(echo=echo, faults=Faults(rate=0.04 if seed else 0.0, seed=seed, most=6))
    world.publish({"settings.json": settings_file()})
    for number, each in enumerate(reports):
        world.append(each)
        if number in pauses:
            world.run_for(seconds=1)
    world.run_for(minutes=5)
    (profile,) = (p for p in world.state.profiles.values() if not p.merged_into)
    me = (STORE, profile.contact)
    assert not any(p.merging for p in world.state.profiles.values())
    assert not world.state.absorbing
    return Person(
        profile=replace(
            profile, contact="", last_sequence=0, moved_events=0, consent={}, misrouted=(0, "")
        ),
        timeline=frozenset(k for k, e in world.state.events[me].items() if not is_system_event(e)),
        proofs=frozenset((at, id_, topic) for p, at, id_, topic in world.state.proofs if p == me),
        identities=frozenset(
            (kind, value)
            for (_, kind, value), contact in world.state.identities.items()
            if world.state.owner(STORE, contact) == profile
        ),
    )


@given(life=lives(), choices=st.data())
@settings(max_examples=how_many(300), deadline=None, derandomize=True)
def test_one_person_is_left_whatever_the_order_and_all_counts_once(
    life: list[Event], choices: st.DataObject
) -> None:
    repeated = life + choices.draw(st.lists(st.sampled_from(life), max_size=6))
    shuffled = choices.draw(st.permutations(repeated))
    pauses = choices.draw(st.lists(st.integers(0, len(shuffled)), max_size=12))
    echo, seed = choices.draw(st.integers(1, 2)), choices.draw(st.integers(0, 1000))
    assert told(shuffled, pauses, echo, seed) == told(life, [0, 1, 2, 3])
