"""`milepost resume`: resumes a store's marketing after a marketing stop."""

from typing import Annotated

import typer

from milepost.base import times
from milepost_tools.cli.output import fail, print_line


def resume(
    store: Annotated[str, typer.Argument(help="The store whose marketing is stopped.")],
    why: Annotated[
        str, typer.Option(help="What was wrong and is fixed; it is stored. Without it, only show.")
    ] = "",
    stack: Annotated[str, typer.Option(help="The name of the stack.")] = ("milepost"),
) -> None:
    """Show why a store's marketing is stopped and, with --why, resume it.

    Waiting e-mails go out at the usual rate, unless they have expired. Bounces and complaints are
    counted anew. Who resumed marketing, when and why is stored.

    Needs AWS credentials that may read the stack's outputs, and read and write the workflows table.
    """
    from milepost.base.errors import ThrottledError
    from milepost_tools import wiring as tools_wiring  # only some commands import AWS clients

    try:
        resumer = tools_wiring.resumer(stack)
        breaker = resumer.stopped(store)
        if breaker is None:
            print_line(f"{store}: marketing is not stopped")
            return
        print_line(f"{store}: marketing is stopped since {times.format_instant(breaker.opened)}:")
        print_line(f"{breaker.reason()}")
        if not why.strip():
            fail('mend what was wrong, then say so: --why "..."')
        if not resumer.resume(store, tools_wiring.caller_identity(), why.strip()):
            fail(f"{store}: somebody else has just resumed it, or it was stopped anew: look again")
    except (LookupError, ThrottledError) as error:
        fail(f"{error}: check the store, --stack, AWS_PROFILE and AWS_REGION")
    print_line(f"{store}: marketing goes on")
