"""Where each step of a workflow stands, in words, for telling what has moved."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from milepost.base.markdown import code
from milepost.workflows.steps import AnyStep, type_of


class StepLocation(NamedTuple):
    """A step, the list it stands in (its holder's id and the list's name), and where in words."""

    step: AnyStep
    home: tuple[str, str]
    where: str


def outline(steps: Sequence[AnyStep]) -> dict[str, StepLocation]:
    """Every step by its id, in reading order."""
    return {spot.step.id: spot for spot in _spots(steps, ("", ""))}


def _spots(steps: Sequence[AnyStep], home: tuple[str, str]) -> Iterator[StepLocation]:
    above = ""
    for step in steps:
        yield StepLocation(step, home, _where(above, home))
        for inner in type_of(step).lists(step):
            yield from _spots(inner.steps, (step.id, inner.name))
        above = step.id


def _where(above: str, home: tuple[str, str]) -> str:
    holder, name = home
    inside = f"in {code(holder)} {name}" if holder else ""
    if above:
        return f"below {code(above)}" + (f" {inside}" if inside else "")
    return f"first {inside}" if inside else "first"
