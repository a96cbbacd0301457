"""`milepost redrive`: applies quarantined events again, after the cause has been fixed."""

from collections import Counter
from typing import Annotated

import typer

from milepost_tools.cli.output import fail, print_line

_RESULTS = {
    "applied": "is applied",
    "requested before": "was redriven before",
    "gone": "is gone: it has expired, or its contact was erased",
    "unknown": "stays: later events were applied, so it is unknown whether this one was; "
    "--insist applies it anyway",
    "trimmed": "is no longer in the stream, which keeps a day; --insist drops the message",
}


def redrive(
    stack: Annotated[str, typer.Option(help="The name of the stack.")] = ("milepost"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the records only.")] = False,
    insist: Annotated[
        bool, typer.Option("--insist", help="Also apply records that may have been applied before.")
    ] = False,
) -> None:
    """Apply the events that `react` quarantined, each exactly once.

    Needs AWS credentials that may read the stack's outputs, read, write and delete in the queue
    ReactDeadLetters, read and write the contacts table and read its stream.
    """
    from milepost.base.errors import ThrottledError
    from milepost_tools import wiring as tools_wiring  # only some commands import AWS clients

    counts: Counter[str] = Counter()
    try:
        for done in tools_wiring.redriver(stack).redrive(dry_run, insist):
            counts[done.result] += 1
            dead_letter = done.dead_letter
            where = (
                f"{dead_letter.store} {dead_letter.contact} {dead_letter.sequence}"
                if dead_letter
                else "a part"
            )
            why = f" ({dead_letter.reason})" if dead_letter else ""
            text = "would be applied" if dry_run and done.result == "applied" else ""
            print_line(f"{where}: {text or _RESULTS[done.result]}{why}")
    except (LookupError, ThrottledError) as error:
        fail(f"{error}: check --stack, AWS_PROFILE and AWS_REGION")
    print_line(
        ", ".join(f"{number} {result}" for result, number in counts.items()) or "no dead letters"
    )
    if counts["unknown"] + counts["trimmed"]:
        raise typer.Exit(1)
