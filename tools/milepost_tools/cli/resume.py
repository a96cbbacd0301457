"""`milepost resume`: let the marketing of a store go on that stopped by itself."""

from typing import Annotated

import typer

from milepost.base import instants
from milepost_tools.cli.output import fail, print_line


def resume(
    store: Annotated[str, typer.Argument(help="The store whose marketing is stopped.")],
    why: Annotated[
        str, typer.Option(help="What was wrong and is mended; it is kept. Without it, only look.")
    ] = "",
    stack: Annotated[str, typer.Option(help="The stack, in the account of your credentials.")] = (
        "milepost"
    ),
) -> None:
    """Say why a store's marketing is stopped and, with --why, let it go on.

    Mail that waited goes out at its pace, unless it has expired. A new count of bounces and
    complaints begins. Who resumed it, when and why is kept beside the store.

    Needs AWS credentials that may read the stack's outputs, and read and write the workflows table.
    """
    from milepost.base.errors import ThrottledError
    from milepost_tools import wiring as tools_wiring  # nothing else on the command line knows AWS

    try:
        resumer = tools_wiring.resumer(stack)
        breaker = resumer.stopped(store)
        if breaker is None:
            print_line(f"{store}: marketing is not stopped")
            return
        print_line(
            f"{store}: marketing is stopped since {instants.format_instant(breaker.opened)}:"
        )
        print_line(f"{breaker.reason()}")
        if not why.strip():
            fail('mend what was wrong, then say so: --why "..."')
        if not resumer.resume(store, tools_wiring.caller_identity(), why.strip()):
            fail(f"{store}: somebody else has just resumed it, or it was stopped anew: look again")
    except (LookupError, ThrottledError) as error:
        fail(f"{error}: check the store, --stack, AWS_PROFILE and AWS_REGION")
    print_line(f"{store}: marketing goes on")
