"""Random workflows and random customers, for laws that must hold for all of them."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.builders import MONDAY_NOON, Json, workflow
from tests.support.tree import Happened

NAMES = ("Viewed", "Replied", "Ordered")
DURATIONS = ("5 minutes", "1 hour", "7 hours", "1 day")

names = st.sampled_from(NAMES)
durations = st.sampled_from(DURATIONS)
numbers = st.fixed_dictionaries({"event": st.just("n"), "gte": st.integers(0, 3)})
_windows: st.SearchStrategy[Json] = st.one_of(
    st.just({}),
    st.just({"since": "enrollment"}),
    st.fixed_dictionaries({"within": durations}),
)
_behavior = st.builds(
    lambda key, name, window, times, where: {key: name, **window, **times, **where},
    st.sampled_from(["did", "did_not"]),
    names,
    _windows,
    st.one_of(st.just({}), st.builds(lambda n: {"times": {"gte": n}}, st.integers(1, 3))),
    st.one_of(st.just({}), st.builds(lambda n: {"where": n}, numbers)),
)
conditions: st.SearchStrategy[Any] = st.recursive(
    st.one_of(numbers, _behavior),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=4,
)


_where = st.one_of(st.just({}), st.builds(lambda n: {"where": n}, numbers))
_KINDS = ("send_email", "send_email", "delay", "exit")
_DEEPER = ("wait_for", "wait_for", "wait_for", "branch", "branch")
DEPTH = 3


@st.composite
def step_lists(draw: st.DrawFn, depth: int = DEPTH) -> list[Json]:
    """Steps without ids, some of which cannot be reached."""
    count = draw(st.integers(2 if depth == DEPTH else 0, 3))
    return [_step(draw, depth) for _ in range(count)]


def _step(draw: st.DrawFn, depth: int) -> Json:
    inner = step_lists(depth - 1)
    match draw(st.sampled_from(_KINDS + _DEEPER * bool(depth))):
        case "delay":
            return {"type": "delay", "for": draw(durations)}
        case "exit":
            return {"type": "exit", "reason": draw(st.sampled_from(["bored", "won"]))}
        case "wait_for":
            return {
                "type": "wait_for", "event": draw(names), **draw(_where),
                "timeout": draw(st.sampled_from(["7 hours", "1 day"])),
                "on_event": draw(inner), "on_timeout": draw(inner),
            }  # fmt: skip
        case "branch":
            paths = [
                {"if": draw(conditions), "steps": draw(inner)}
                for _ in range(draw(st.integers(1, 3)))
            ]
            return {"type": "branch", "paths": paths, "else": draw(inner)}
        case _:
            return {"type": "send_email", "template": "plain"}


@st.composite
def workflows(draw: st.DrawFn) -> Json:
    """A workflow that `publish` takes: every step reachable, every id its own."""
    steps = _reachable(draw(step_lists()))
    head: Json = {"on": "Visited", "category": "transactional"}
    if draw(st.integers(0, 3)) == 0:
        head["exit_on"] = [{"event": "Ordered"}]
    return workflow(*_numbered(steps, [0]), **head)


def _reachable(steps: list[Json]) -> list[Json]:
    """Without what stands below a step that always leaves."""
    kept = []
    for step in steps:
        inside: Json = {
            key: _reachable(step[key]) for key in ("on_event", "on_timeout", "else") if key in step
        }
        if "paths" in step:
            inside["paths"] = [{**p, "steps": _reachable(p["steps"])} for p in step["paths"]]
        kept.append({**step, **inside})
        if _always_leaves(kept[-1]):
            break
    return kept


def _always_leaves(step: Json) -> bool:
    if step["type"] == "exit":
        return True
    lists = [step[key] for key in ("on_event", "on_timeout", "else") if key in step]
    lists += [path["steps"] for path in step.get("paths", ())]
    return bool(lists) and all(any(map(_always_leaves, inner)) for inner in lists)


def _numbered(steps: list[Json], last: list[int]) -> list[Json]:
    """Give every step an id and every path a name; ids grow from top to bottom."""
    named = []
    for step in steps:
        last[0] += 1
        copy = {"id": f"s{last[0]}", **step}
        if "paths" in copy:
            copy["paths"] = [
                {"name": f"p{n}", **path, "steps": _numbered(path["steps"], last)}
                for n, path in enumerate(copy["paths"])
            ]
        for key in ("on_event", "on_timeout", "else"):
            if key in copy:
                copy[key] = _numbered(copy[key], last)
        named.append(copy)
    return named


@st.composite
def histories(draw: st.DrawFn) -> list[Happened]:
    """What a contact does before and after entering on Monday at noon, never two things at once."""
    minutes = draw(st.lists(st.integers(-300, 3000), min_size=2, max_size=16))
    return [
        Happened(
            draw(names),
            # Workflows wait whole minutes; a millisecond of its own keeps every event off them.
            MONDAY_NOON + timedelta(minutes=minute, seconds=30, milliseconds=number + 1),
            {"n": draw(st.integers(0, 3))},
        )
        for number, minute in enumerate(sorted(minutes))
    ]
