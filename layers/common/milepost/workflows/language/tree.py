"""The step tree: every step with its place, from top to bottom."""

from collections.abc import Iterator, Sequence

from milepost.workflows.steps import AnyStep, Branch, Split, WaitFor


def walk(steps: Sequence[AnyStep], place: str = "steps") -> Iterator[tuple[str, AnyStep]]:
    """Every step in reading order, with places like `steps[2].on_timeout[0]`."""
    for number, step in enumerate(steps):
        here = f"{place}[{number}]"
        yield here, step
        for name, inner in lists_in(step):
            yield from walk(inner, f"{here}.{name}")


def lists_in(step: AnyStep) -> Iterator[tuple[str, Sequence[AnyStep]]]:
    """The lists of steps that a step holds, by their place in it."""
    match step:
        case Branch():
            for index, path in enumerate(step.paths):
                yield f"paths[{index}].steps", path.steps
            yield "else", step.else_
        case Split():
            for index, share in enumerate(step.paths):
                yield f"paths[{index}].steps", share.steps
        case WaitFor():
            yield "on_event", step.on_event
            yield "on_timeout", step.on_timeout
        case _:
            return
