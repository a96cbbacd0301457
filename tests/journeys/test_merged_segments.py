"""Merged contacts belong to the segments that match both timelines together."""

from tests.support.builders import STORE, Json, shop
from tests.support.world import World

VISITOR = "3b1e8a5e-6c1f-4d55-9c86-0f4b6f9a7c11"
SEGMENTS: dict[str, Json] = {
    "segments/lookers.json": {
        "title": "Lookers",
        "condition": {"did": "Product Viewed", "times": {"gte": 2}},
    },
}


def members(world: World, group: str, name: str) -> list[str]:
    page = world.members.page(STORE, group, name)
    return [member.contact for member in page.members]


def test_merged_contact_enters_a_segment_by_the_sum_of_both_timelines() -> None:
    world = World()
    world.publish({**shop(), **SEGMENTS})
    world.event("Product Viewed", email=None, device_id=VISITOR)
    world.event("Product Viewed")
    world.run_for(minutes=5)
    assert members(world, "segment", "lookers") == []
    world.event("Account Created", device_id=VISITOR)
    world.run_for(minutes=5)
    contact = world.contact()
    assert members(world, "segment", "lookers") == [contact]
    assert world.profile().segment_state.inside() >= {"lookers"}
    assert members(world, "all", "") == [contact]
