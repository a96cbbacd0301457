"""The step tree: every step with its place, from top to bottom."""

from collections.abc import Iterator, Sequence

from milepost.workflows.steps import AnyStep, type_of


def walk(steps: Sequence[AnyStep], place: str = "steps") -> Iterator[tuple[str, AnyStep]]:
    """Every step in reading order, with places like `steps[2].on_timeout[0]`."""
    for number, step in enumerate(steps):
        here = f"{place}[{number}]"
        yield here, step
        for inner in type_of(step).lists(step):
            yield from walk(inner.steps, f"{here}.{inner.place}")


def fields_of_its_own(step: AnyStep) -> dict[str, object]:
    """What the file says of a step, without the steps and the conditions inside it."""
    kind = type_of(step)
    inside = [each.place for each in kind.lists(step)]
    inside += [each.place for each in kind.conditions(step)]
    names = {place.partition(".")[0].partition("[")[0] for place in inside}
    document = step.model_dump(by_alias=True, exclude_none=True)
    return {name: value for name, value in document.items() if name not in names}
