"""One person with many identifiers: in any order and with any repetition of the events, one contact
remains, and every event counts once."""

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
LINKING: list[Identifiers] = [
    {"email": ADA, "external_id": "7"},
    {"email": WORK, "external_id": "7"},
    {"external_id": "7", "phone": "+33612345678"},
    {"external_id": "7", "device": "d-1"},
    {"external_id": "7", "device": "d-2"},
    {"external_id": "7", "cart": "c-1"},
]
"""Identifiers of events that together link all identifiers to one person."""

no_required: dict[str, st.SearchStrategy[str]] = {}
identifiers = st.fixed_dictionaries(
    no_required,
    optional={
        "email": st.sampled_from([ADA, WORK]),
        "external_id": st.just("7"),
        "phone": st.just("+33612345678"),
        "device": st.sampled_from(["d-1", "d-2"]),
        "cart": st.just("c-1"),
    },
).filter(bool)


@st.composite
def linked_events(draw: st.DrawFn) -> list[Event]:
    """Events of one person that link all the identifiers."""
    identifier_sets = [*LINKING, *draw(st.lists(identifiers, max_size=6))]
    return [
        Event(
            store=STORE,
            id=f"{number % 4}",
            name=f"Seen {number // 4}",
            occurred_at=draw(instants),
            source=draw(st.sampled_from(["api", "shopify"])),
            identifiers=cast("Identifiers", given_identifiers),
            data={"value": draw(amounts)},
            contact=draw(people),
        )
        for number, given_identifiers in enumerate(identifier_sets)
    ]


@dataclass(frozen=True)
class Person:
    """Everything that is known about the remaining contact."""

    profile: Profile
    timeline: frozenset[tuple[str, Any, str]]
    proofs: frozenset[Any]
    identities: frozenset[tuple[str, str]]


def person_after(events: list[Event], pauses: list[int], echo: int = 1, seed: int = 0) -> Person:
    """The person after these events in this order; after some of them a second passes.

    With a seed, random kills of `react` let some contacts lag behind others.
    """
    world = World(echo=echo, faults=Faults(rate=0.04 if seed else 0.0, seed=seed, most=6))
    world.publish({"settings.json": settings_file()})
    for number, each in enumerate(events):
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


@given(events=linked_events(), choices=st.data())
@settings(max_examples=how_many(300), deadline=None, derandomize=True)
def test_any_event_order_merges_into_the_same_single_contact(
    events: list[Event], choices: st.DataObject
) -> None:
    repeated = events + choices.draw(st.lists(st.sampled_from(events), max_size=6))
    shuffled = choices.draw(st.permutations(repeated))
    pauses = choices.draw(st.lists(st.integers(0, len(shuffled)), max_size=12))
    echo, seed = choices.draw(st.integers(1, 2)), choices.draw(st.integers(0, 1000))
    assert person_after(shuffled, pauses, echo, seed) == person_after(events, [0, 1, 2, 3])
