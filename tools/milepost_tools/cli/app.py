"""The command itself: what it is called, and what it answers to mistakes of its own."""

import sys
from collections.abc import Sequence

import typer

from milepost_tools.cli.check import check
from milepost_tools.cli.compile import compile_file
from milepost_tools.cli.diff import compare_files
from milepost_tools.cli.doctor import examine
from milepost_tools.cli.draw import draw_file
from milepost_tools.cli.imports import import_file
from milepost_tools.cli.output import plain
from milepost_tools.cli.preview import preview_template
from milepost_tools.cli.redrive import redrive
from milepost_tools.cli.resume import resume
from milepost_tools.cli.schema import print_schema
from milepost_tools.cli.send_test import send_test
from milepost_tools.cli.simulate import simulate
from milepost_tools.cli.test import run_tests

app = typer.Typer(
    name="milepost",
    help="Check, try out and explain workflows, without AWS; and mend what a stack put aside.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("check")(check)
app.command("compile")(compile_file)
app.command("draw")(draw_file)
app.command("diff")(compare_files)
app.command("simulate")(simulate)
app.command("test")(run_tests)
app.command("preview")(preview_template)
app.command("send-test")(send_test)
app.command("doctor")(examine)
app.command("import")(import_file)
app.command("redrive")(redrive)
app.command("resume")(resume)
app.command("schema")(print_schema)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code.

    0 when all is well, 1 when something is wrong with a file, 2 with the call, 3 with Milepost.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a letter gets its number
            stream.reconfigure(errors="backslashreplace")
    try:
        typer.main.get_command(app)(args=arguments, prog_name="milepost")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    except BrokenPipeError:
        sys.stderr.close()  # whoever read along has seen enough
        return 1
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        said = plain(f"{type(error).__name__}: {error}")
        remedy = "`python -X dev -m milepost_tools` shows where; please report it"
        print(f"This is a mistake of Milepost's own: {said} ({remedy})", file=sys.stderr)
        return 3
    return 0
