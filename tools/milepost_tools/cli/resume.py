"""`milepost resume`: let the marketing of a store go on that stopped by itself."""

from typing import Annotated

import typer

from milepost.base import instants
from milepost_tools.cli.output import fail, say


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
    from milepost.base.errors import Busy
    from milepost_tools import wiring as tools_wiring  # nothing else on the command line knows AWS

    try:
        resumer = tools_wiring.resumer(stack)
        breaker = resumer.stopped(store)
        if breaker is None:
            say(f"{store}: marketing is not stopped")
            return
        say(f"{store}: marketing is stopped since {instants.show(breaker.opened)}:")
        say(f"{breaker.reason()}")
        if not why.strip():
            fail('mend what was wrong, then say so: --why "..."')
        if not resumer.resume(store, tools_wiring.whoever_calls(), why.strip()):
            fail(f"{store}: somebody else has just resumed it, or it was stopped anew: look again")
    except (LookupError, Busy) as error:
        fail(f"{error}: check the store, --stack, AWS_PROFILE and AWS_REGION")
    say(f"{store}: marketing goes on")
