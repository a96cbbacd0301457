"""Random workflows and random customers, for property tests."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.builders import MONDAY_NOON, Json, workflow
from tests.support.tree import Happened

NAMES = ("Viewed", "Replied", "Ordered")
TOLD = "Told"
"""The events that workflows themselves report."""
PROPERTIES = ("p", "q")
DURATIONS = ("5 minutes", "1 hour", "7 hours", "1 day")

names = st.sampled_from(NAMES)
durations = st.sampled_from(DURATIONS)
properties = st.sampled_from(PROPERTIES)
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
_told = st.builds(lambda n: {"did": TOLD, "times": {"gte": n}}, st.integers(1, 3))
_known = st.one_of(
    st.builds(
        lambda name, n: {"contact": f"properties.{name}", "gte": n}, properties, st.integers(0, 4)
    ),
    st.builds(
        lambda name, there: {"contact": f"properties.{name}", "exists": there},
        properties,
        st.booleans(),
    ),
)


def _grouped(leaves: st.SearchStrategy[Json]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=4,
    )


conditions = _grouped(st.one_of(numbers, _behavior))
_more_conditions = _grouped(st.one_of(numbers, _behavior, _told, _known, _known))


_where = st.one_of(st.just({}), st.builds(lambda n: {"where": n}, numbers))
_KINDS = ("send_email", "send_email", "delay", "exit")
_DEEPER = ("wait_for", "wait_for", "wait_for", "branch", "branch")
_MORE = (*_KINDS, "delay_until", "holdout", "emit_event", "update_contact", "update_contact")
_MORE_DEEPER = (*_DEEPER, "split", "split")
DEPTH = 3


_values = st.one_of(st.integers(0, 4), st.sampled_from(["a", True, [], [3], ["a", 2]]))
_updates: st.SearchStrategy[Json] = st.one_of(
    st.builds(lambda name, value: {"set": {name: value}}, properties, _values),
    st.builds(lambda name: {"unset": [name]}, properties),
    st.builds(lambda name, n: {"increment": {name: n}}, properties, st.integers(-2, 3)),
    st.builds(lambda name, n: {"append": {name: n}}, properties, st.integers(0, 4)),
)


@st.composite
def step_lists(draw: st.DrawFn, depth: int = DEPTH, everything: bool = False) -> list[Json]:
    """Steps without ids; some cannot be reached. With `everything` some lists are loops."""
    count = draw(st.integers(2 if depth == DEPTH else 0, 3))
    steps = [_step(draw, depth, everything) for _ in range(count)]
    if everything and steps and draw(st.integers(0, 4)) == 0:
        rest = {"type": "delay", "for": draw(durations)}
        again = {"type": "goto", "max": draw(st.integers(1, 2))}
        steps[-1:-1] = [rest, again] if draw(st.booleans()) else []
        steps += [rest, again] if draw(st.booleans()) else []
    return steps


def _step(draw: st.DrawFn, depth: int, everything: bool) -> Json:
    inner = step_lists(depth - 1, everything)
    asked = _more_conditions if everything else conditions
    kinds, deeper = (_MORE, _MORE_DEEPER) if everything else (_KINDS, _DEEPER)
    match draw(st.sampled_from(kinds + deeper * bool(depth))):
        case "delay":
            return {"type": "delay", "for": draw(durations)}
        case "exit":
            return {"type": "exit", "reason": draw(st.sampled_from(["bored", "won"]))}
        case "wait_for":
            return {
                "type": "wait_for",
                "event": draw(names),
                **draw(_where),
                "timeout": draw(st.sampled_from(["7 hours", "1 day"])),
                "on_event": draw(inner),
                "on_timeout": draw(inner),
            }
        case "branch":
            paths = [
                {"if": draw(asked), "steps": draw(inner)} for _ in range(draw(st.integers(1, 3)))
            ]
            return {"type": "branch", "paths": paths, "else": draw(inner)}
        case "split":
            weights = draw(st.lists(st.integers(0, 3), min_size=2, max_size=3).filter(sum))
            return {
                "type": "split",
                "paths": [{"weight": weight, "steps": draw(inner)} for weight in weights],
            }
        case "holdout":
            return {"type": "holdout", "percent": draw(st.sampled_from([1, 30, 70]))}
        case "delay_until":
            day = (MONDAY_NOON + timedelta(days=draw(st.integers(-2, 4)))).date()
            return {"type": "delay_until", "date": day.isoformat()}
        case "emit_event":
            said = draw(st.fixed_dictionaries({"n": st.integers(0, 3)}))
            return {"type": "emit_event", "event": TOLD, "properties": said}
        case "update_contact":
            return {"type": "update_contact", **draw(_updates)}
        case _:
            return {"type": "send_email", "template": "plain"}


@st.composite
def workflows(draw: st.DrawFn, everything: bool = False) -> Json:
    """A valid workflow: every step is reachable and has an id of its own.

    With `everything` it has loops, random choices, dates, and steps that change the contact.
    """
    steps = _reachable(draw(step_lists(everything=everything)))
    head: Json = {"on": "Visited", "category": "transactional"}
    if draw(st.integers(0, 3)) == 0:
        head["exit_on"] = [{"event": "Ordered"}]
    return workflow(*_numbered(steps, [0]), **head)


def _reachable(steps: list[Json]) -> list[Json]:
    """Drop the steps after a step that always leaves."""
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
    """Give every step an id and every path a name; ids grow from top to bottom.

    A `goto` leads to the first step of its own list.
    """
    named: list[Json] = []
    for step in steps:
        last[0] += 1
        copy = {"id": f"s{last[0]}", **step}
        if step["type"] == "goto":
            copy["to"] = named[0]["id"]
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
    """What a contact does before and after entering on Monday at noon, never two events at once."""
    minutes = draw(st.lists(st.integers(-300, 3000), min_size=2, max_size=16))
    return [
        Happened(
            draw(names),
            # Workflows wait whole minutes; a millisecond offset keeps every event off them.
            MONDAY_NOON + timedelta(minutes=minute, seconds=30, milliseconds=number + 1),
            {"n": draw(st.integers(0, 3))},
        )
        for number, minute in enumerate(sorted(minutes))
    ]
