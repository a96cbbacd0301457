"""What Step Functions would refuse in a definition, and what Milepost forbids."""

from collections.abc import Iterator, Mapping
from typing import Any

from milepost.simulator.interpreter import INVOKE, INVOKE_AND_WAIT, Json

_FIELDS = {
    "Succeed": {"Type"},
    "Wait": {"Type", "TimestampPath", "Next"},
    "Choice": {"Type", "Choices", "Default"},
    "Task": {
        "Type",
        "Resource",
        "Parameters",
        "ResultSelector",
        "ResultPath",
        "OutputPath",
        "TimeoutSeconds",
        "Retry",
        "Catch",
        "Next",
        "End",
    },
}


def problems(definition: Mapping[str, Any]) -> list[str]:
    """The errors of a definition, as sentences."""
    states: Json = definition["States"]
    found = [f"{name}: {problem}" for name, state in states.items() for problem in _wrong(state)]
    found += [f"{name}: longer than 80 characters" for name in states if len(name) > 80]
    reached: set[str] = set()
    pending = [definition["StartAt"]]
    while pending:
        name = pending.pop()
        if name not in states:
            found.append(f"nothing is called {name}")
        elif name not in reached:
            reached.add(name)
            pending += _following(states[name])
    return found + [f"{name}: cannot be reached" for name in states if name not in reached]


def _following(state: Json) -> Iterator[str]:
    yield from (each["Next"] for each in (*state.get("Choices", ()), *state.get("Catch", ())))
    yield from (state[key] for key in ("Next", "Default") if key in state)


def _wrong(state: Json) -> Iterator[str]:
    unknown = state.keys() - _FIELDS.get(state["Type"], set())
    if unknown:
        yield f"{state['Type']} with {sorted(unknown)}"
    if state["Type"] in {"Wait", "Task"} and ("Next" in state) == bool(state.get("End")):
        yield "needs either Next or End"
    if state["Type"] != "Task":
        return
    if state["Resource"] not in {INVOKE, INVOKE_AND_WAIT}:
        yield f"calls {state['Resource']}"
    if type(state.get("TimeoutSeconds")) is not int or not 0 < state["TimeoutSeconds"] < 10**8:
        yield "has no TimeoutSeconds"
    if not state.get("Retry"):
        yield "has no Retry"
    if not state.get("Catch") and "abandon.$" not in state["Parameters"]["Payload"]:
        yield "has no Catch"
    for rules in (state.get("Retry", []), state.get("Catch", [])):
        for number, rule in enumerate(rules):
            everything = "States.ALL" in rule["ErrorEquals"]
            if everything and (len(rule["ErrorEquals"]) > 1 or number < len(rules) - 1):
                yield "States.ALL must stand alone and last"
