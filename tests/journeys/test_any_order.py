"""The same events in any order, any of them reported repeatedly: the same contact in the end."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from tests.support.builders import settings as settings_file
from tests.support.laws import how_many
from tests.support.random_events import timelines
from tests.support.world import World


def told(reports: list[Event], echo: int = 1) -> Profile:
    """The contact after these reports, in this order."""
    world = World(echo=echo)
    world.publish({"settings.json": settings_file()})
    for number, event in enumerate(reports):
        world.append(event)
        if number % 2:
            world.run_for(seconds=1)
    world.run_for(minutes=1)
    return replace(world.profile(), last_sequence=0)


@given(timeline=timelines, choices=st.data())
@settings(max_examples=how_many(250), deadline=None, derandomize=True)
def test_order_and_repetition_of_events_do_not_matter(
    timeline: list[Event], choices: st.DataObject
) -> None:
    repeated = timeline + choices.draw(st.lists(st.sampled_from(timeline))) if timeline else []
    shuffled = choices.draw(st.permutations(repeated))
    assert told(shuffled, echo=choices.draw(st.integers(1, 2))) == told(timeline)
