"""`milepost diff`: describes in plain words what a new version of a workflow changes."""

from pathlib import Path
from typing import Annotated

import typer

from milepost.workflows.explain.difference import compare
from milepost_tools.cli.draw import read_workflow
from milepost_tools.cli.output import print_line


def compare_files(
    old: Annotated[Path, typer.Argument(help="The old workflow file.")],
    new: Annotated[Path, typer.Argument(help="The new workflow file.")],
) -> None:
    """Describe what a new version of a workflow changes."""
    changes = compare(read_workflow(old), read_workflow(new))
    for change in changes or ["nothing has changed"]:
        for line in change.split("\n"):
            print_line(line)
