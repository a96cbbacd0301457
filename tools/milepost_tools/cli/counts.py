"""`milepost counts`: counts a workflow's decisions to send, and checks that they add up."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from milepost_tools.cli.output import fail, print_line, show_json, show_rows

if TYPE_CHECKING:
    from milepost.base.names import EnrollmentRef
    from milepost.sending.counts import StepCounts, WorkflowCounts


_COLUMNS = ("decided", "sent", "skipped", "failed", "unknown", "missing", "extra")

MAX_SHOWN = 20
"""The number of enrollments that are printed; JSON contains all."""


def counts(
    store: Annotated[str, typer.Argument(help="The store.")],
    workflow: Annotated[str, typer.Argument(help="The workflow to count.")],
    stack: Annotated[str, typer.Option(help="The stack, in the account of your credentials.")] = (
        "milepost"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Count the decisions of a workflow to send, and check that the numbers add up.

    Sent, skipped, failed and unknown must add up to decided; otherwise the exit code is 1. Missing
    decisions belong to an enrollment but are not in the send ledger; extra entries of the ledger
    belong to no decision.

    Needs AWS credentials that may read the stack's outputs, the contacts table with its index
    "runs", and the workflows table. Reads all enrollments and messages of the workflow.
    """
    from milepost.base.errors import ThrottledError
    from milepost.sending.counts import Tally
    from milepost_tools import wiring as tools_wiring  # only some commands import AWS clients

    missing: list[tuple[EnrollmentRef, str]] = []
    tally, after, more = Tally(detailed=True), "", True
    try:
        counter = tools_wiring.run_counter(stack)
        while more:
            after = counter.count_page(
                store, workflow, after, tally, on_missing=lambda *found: missing.append(found)
            )
            more = bool(after)
    except (LookupError, ThrottledError) as error:
        fail(f"{error}: check --stack, AWS_PROFILE and AWS_REGION")
    numbers = tally.numbers()
    if not numbers.entered and not numbers.steps:
        fail(f"{store}: no contact has entered a workflow {workflow!r}: check both names")
    off = sum(held.unaccounted for held in numbers.steps.values())
    if as_json:
        show_json(_document(store, workflow, numbers, missing))
    else:
        _show(numbers, missing, off)
    if off:
        raise typer.Exit(1)


def _document(
    store: str,
    workflow: str,
    numbers: "WorkflowCounts",
    missing: "list[tuple[EnrollmentRef, str]]",
) -> dict[str, Any]:
    return {
        "store": store,
        "workflow": workflow,
        "entered": numbers.entered,
        "statuses": dict(numbers.statuses),
        "steps": {step: _step(held) for step, held in numbers.steps.items()},
        "missing": [
            {"contact": ref.contact, "enrollment": ref.id, "step": step} for ref, step in missing
        ],
    }


def _step(held: "StepCounts") -> dict[str, Any]:
    columns = {name: getattr(held, name) for name in _COLUMNS}
    return {**columns, **held.statuses, "reasons": dict(held.reasons), "off": held.unaccounted}


def _show(numbers: "WorkflowCounts", missing: "list[tuple[EnrollmentRef, str]]", off: int) -> None:
    print_line(f"{numbers.entered} entered: {_listed(numbers.statuses)}")
    rows = [
        (step, *(str(getattr(held, name)) for name in _COLUMNS))
        for step, held in numbers.steps.items()
    ]
    show_rows(("step", *_COLUMNS), rows)
    for step, held in numbers.steps.items():
        if held.reasons:
            print_line(f"{step}, not sent: {_listed(held.reasons)}")
    for ref, step in missing[:MAX_SHOWN]:
        print_line(f"missing: {step} of enrollment {ref.id}, contact {ref.contact}")
    if len(missing) > MAX_SHOWN:
        print_line(f"... and {len(missing) - MAX_SHOWN} more: --json has all")
    print_line(f"{off} do not add up: please report it" if off else "everything adds up")


def _listed(numbers: Any) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items()) or "none"
