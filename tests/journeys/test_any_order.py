"""The same events give the same contact in any order and with any repetition."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from tests.support.builders import settings as settings_file
from tests.support.laws import how_many
from tests.support.random_events import timelines
from tests.support.world import World


def profile_after(events: list[Event], echo: int = 1) -> Profile:
    """The profile after these events, in this order."""
    world = World(echo=echo)
    world.publish({"settings.json": settings_file()})
    for number, event in enumerate(events):
        world.append(event)
        if number % 2:
            world.run_for(seconds=1)
    world.run_for(minutes=1)
    return replace(world.profile(), last_sequence=0)


@given(timeline=timelines, choices=st.data())
@settings(max_examples=how_many(250), deadline=None, derandomize=True)
def test_any_event_order_and_repetition_gives_the_same_contact(
    timeline: list[Event], choices: st.DataObject
) -> None:
    repeated = timeline + choices.draw(st.lists(st.sampled_from(timeline))) if timeline else []
    shuffled = choices.draw(st.permutations(repeated))
    assert profile_after(shuffled, echo=choices.draw(st.integers(1, 2))) == profile_after(timeline)
