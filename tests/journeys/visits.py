"""Helpers for a workflow `visit` that the event "Visited" starts."""

from typing import Any

from tests.support.builders import ADA, Content, Json, shop, workflow
from tests.support.world import World


def step(kind: str, id_: str, **fields: Any) -> Json:
    return {"id": id_, "type": kind, **fields}


def goto(id_: str, to: str, **fields: Any) -> Json:
    return step("goto", id_, to=to, **fields)


def split(id_: str, **weights: int) -> Json:
    """A split with empty paths and these weights."""
    paths = [{"name": name, "weight": weight} for name, weight in weights.items()]
    return step("split", id_, paths=paths)


def visit(*steps: Json, **head: Any) -> Json:
    head = {"on": "Visited", "category": "transactional", "reentry": {"allow": "always"}, **head}
    return workflow(*steps, **head)


def world_of(*steps: Json, files: dict[str, Content] | None = None, **head: Any) -> World:
    """A world in which these steps are the workflow `visit`."""
    world = World()
    world.publish({**shop(), **(files or {}), "workflows/visit.json": visit(*steps, **head)})
    return world


def visited(world: World, data: Json | None = None, *, days: float = 0, **contact: Any) -> World:
    """Ada visits, and some days pass."""
    world.event("Visited", data, **contact)
    world.run_for(days=days, minutes=1)
    return world


def outcomes(world: World, email: str = ADA) -> dict[str, Any]:
    return dict(world.enrollment(email).outcomes)


def ended(world: World, email: str = ADA) -> tuple[str, str]:
    enrollment = world.enrollment(email)
    return enrollment.status, enrollment.reason


def data_of(world: World, name: str, email: str = ADA) -> list[Json]:
    """The data of all events of one name on a contact's timeline, oldest first."""
    events = world.state.events[world.profile(email).store, world.contact(email)]
    found = sorted((at, id_, each) for (kind, at, id_), each in events.items() if kind == name)
    return [dict(each.data) for _, _, each in found]
