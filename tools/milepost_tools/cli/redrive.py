"""`milepost redrive`: have events applied that could not be, once what was wrong is mended."""

from collections import Counter
from typing import Annotated

import typer

from milepost_tools.cli.output import fail, print_line

_TOLD = {
    "again": "is applied again",
    "asked before": "was asked for before",
    "gone": "is gone: it has expired, or its contact was erased",
    "unknown": "stays: later events were applied, and nobody can tell whether this one was; "
    "--insist applies it all the same",
    "trimmed": "is no longer in the stream, which keeps a day; --insist drops the message",
}


def redrive(
    stack: Annotated[str, typer.Option(help="The stack, in the account of your credentials.")] = (
        "milepost"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what lies there.")] = False,
    insist: Annotated[
        bool, typer.Option("--insist", help="Apply also what may have been applied before.")
    ] = False,
) -> None:
    """Have the events applied that `react` had to put aside, each exactly once.

    Needs AWS credentials that may read the stack's outputs, read, write and delete in the queue
    ReactDeadLetters, read and write the contacts table and read its stream.
    """
    from milepost.base.errors import ThrottledError
    from milepost_tools import wiring as tools_wiring  # nothing else on the command line knows AWS

    counts: Counter[str] = Counter()
    try:
        for done in tools_wiring.redriver(stack).redrive(dry_run, insist):
            counts[done.fate] += 1
            letter = done.letter
            where = f"{letter.store} {letter.contact} {letter.position}" if letter else "a part"
            why = f" ({letter.reason})" if letter else ""
            told = "would be applied again" if dry_run and done.fate == "again" else ""
            print_line(f"{where}: {told or _TOLD[done.fate]}{why}")
    except (LookupError, ThrottledError) as error:
        fail(f"{error}: check --stack, AWS_PROFILE and AWS_REGION")
    print_line(
        ", ".join(f"{number} {fate}" for fate, number in counts.items()) or "no dead letters"
    )
    if counts["unknown"] + counts["trimmed"]:
        raise typer.Exit(1)
