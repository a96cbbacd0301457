"""Overlaps: a second run of a function during the first, and events during a send decision.

AWS calls a function again if it hangs past its timeout, and both runs finish. A customer can also
order or unsubscribe during a send decision. Every call is tried.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.journeys.stories import FILES, STORIES, Story, accounts_balance, begin, outcome, unknown
from tests.support.faults import Faults, Kill, Phase, Scope
from tests.support.world import World

PHASES: tuple[Phase, ...] = ("before", "after")


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(FILES)
    return world


def places(undisturbed: World, scope: Scope) -> Iterator[Kill]:
    for called_by, number, _ in undisturbed.faults.calls:
        for phase in PHASES if called_by == scope else ():
            yield Kill(scope, number, phase)


@pytest.mark.no_cover
@pytest.mark.parametrize("scope", ["react", "run_steps", "await_event", "learn"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_overlapping_second_run_changes_no_outcome(
    story: Story, scope: Scope, published: World
) -> None:
    undisturbed = World(published=published)
    story(undisturbed)
    expected = outcome(undisturbed)
    for place in places(undisturbed, scope):
        faults = Faults()
        faults.overlap(place)
        world = World(published=published, faults=faults)
        story(world)
        assert faults.happened == [place]
        copies = Counter(mail.ref.id for mail in world.mails)
        assert not copies or max(copies.values()) == 1, place
        assert outcome(world) == expected, (place, faults.calls[place.number - 1])


def first_mail(world: World) -> None:
    begin(world)
    world.run_for(hours=1)


def orders(world: World) -> None:
    world.event("Order Completed", {"total": 150}, id_="o-1")
    world.react_now()


def unsubscribes(world: World) -> None:
    withdrawal = {"topic": "offers", "state": "withdrawn"}
    world.event("Subscription Changed", id_="no", consent=[withdrawal])
    world.react_now()


def bounces_elsewhere(world: World) -> None:
    world.suppress()


@pytest.mark.parametrize("meanwhile", [orders, unsubscribes, bounces_elsewhere])
def test_order_unsubscribe_or_suppression_before_the_claim_stops_the_mail(
    meanwhile: Callable[[World], None], published: World
) -> None:
    """Everything that is stored before the claim and forbids the mail stops it."""
    undisturbed = World(published=published)
    first_mail(undisturbed)
    assert undisturbed.steps_mailed() == ["reminder"]
    names = [name for scope, _, name in undisturbed.faults.calls if scope == "run_steps"]
    claimed = names.index("ledger.claim") + 1
    for place in places(undisturbed, "run_steps"):
        world = World(published=published)
        world.faults.meanwhile(place, partial(meanwhile, world))
        first_mail(world)
        in_time = place.number < claimed or (place.number == claimed and place.phase == "before")
        assert ("reminder" not in world.steps_mailed()) == in_time, (place, names)
        world.run_for(days=10)
        assert accounts_balance(world)
        assert unknown(world) == []
        assert all(e.status != "active" for e in world.enrollments_of())
