"""The `milepost` command: the list of commands, and its answers to wrong calls."""

import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand


class Command(NamedTuple):
    """A command: the first sentence of its help, and its function as `module:name`."""

    help: str
    function: str

    def load(self) -> Callable[..., None]:
        """Import and return the function."""
        module, _, name = self.function.partition(":")
        function: Callable[..., None] = getattr(import_module(module), name)
        return function


COMMANDS: Mapping[str, Command] = {
    "check": Command(
        "Check workflows, segments, templates, settings and tests for errors.",
        "milepost_tools.cli.check:check",
    ),
    "compile": Command(
        "Print the state machine of a workflow (Amazon States Language).",
        "milepost_tools.cli.compile:compile_file",
    ),
    "draw": Command(
        "Print a workflow as a flowchart (Mermaid).",
        "milepost_tools.cli.draw:draw_file",
    ),
    "diff": Command(
        "Describe what a new version of a workflow changes.",
        "milepost_tools.cli.diff:compare_files",
    ),
    "simulate": Command(
        "Simulate a workflow for one contact, on a virtual clock. Nothing is sent.",
        "milepost_tools.cli.simulate:simulate",
    ),
    "test": Command(
        "Run the test cases of workflows.",
        "milepost_tools.cli.test:run_tests",
    ),
    "preview": Command(
        "Show an e-mail in the browser, with its text, sizes and errors.",
        "milepost_tools.cli.preview:preview_template",
    ),
    "send-test": Command(
        "Send a local template to your own address, marked as a test.",
        "milepost_tools.cli.send_test:send_test",
    ),
    "doctor": Command(
        "Check everything that must be right before e-mail goes out, and suggest fixes.",
        "milepost_tools.cli.doctor:examine",
    ),
    "import": Command(
        "Check a file of contacts for errors.",
        "milepost_tools.cli.imports:import_file",
    ),
    "redrive": Command(
        "Apply the events that `react` quarantined, each exactly once.",
        "milepost_tools.cli.redrive:redrive",
    ),
    "counts": Command(
        "Count the decisions of a workflow to send, and check that the numbers add up.",
        "milepost_tools.cli.counts:counts",
    ),
    "resume": Command(
        "Show why a store's marketing is stopped and, with --why, resume it.",
        "milepost_tools.cli.resume:resume",
    ),
    "schema": Command(
        "Print the JSON Schema of a kind of file, for editors.",
        "milepost_tools.cli.schema:print_schema",
    ),
}
"""All commands, in the order in which the help lists them."""

app = typer.Typer(
    name="milepost",
    help="Check, simulate and explain workflows without AWS; inspect and repair a deployed stack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class _OnDemand(TyperCommand):
    """A command whose module is imported when it is called, not when it is listed."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **named: Any) -> Any:
        """Build the context with the real command's options and help."""
        single = typer.Typer(add_completion=False)
        single.command(self.name)(COMMANDS[str(self.name)].load())
        return typer.main.get_command(single).make_context(info_name, args, *rest, **named)


def _listed() -> None:
    """Placeholder that is never called: `_OnDemand` replaces it with the command's function."""


for _name, _command in COMMANDS.items():
    app.command(_name, cls=_OnDemand, help=_command.help)(_listed)


def run() -> int:
    """Run the command of this process and return its exit code."""
    # Nearly all objects of a command live to its end, so garbage collection finds little.
    gc.set_threshold(100_000, 20, 20)
    # pydantic would read the metadata of every installed package to find plugins; we have none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    return main()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: all is well. 1: a file has errors. 2: the call was wrong. 3: Milepost failed.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # escape characters that the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        typer.main.get_command(app)(args=arguments, prog_name="milepost")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the pipe has closed it
        return 1
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        from milepost_tools.cli.output import plain  # the help does not need it

        said = plain(f"{type(error).__name__}: {error}")
        remedy = "`python -X dev -m milepost_tools` shows where; please report it"
        print(f"This is a mistake of Milepost's own: {said} ({remedy})", file=sys.stderr)
        return 3
    return 0
