"""`milepost diff`: what a new version of a workflow does otherwise, in plain words."""

from pathlib import Path
from typing import Annotated

import typer

from milepost.cli.draw import read_workflow
from milepost.cli.printing import say
from milepost.domain.explain.difference import compare


def compare_files(
    old: Annotated[Path, typer.Argument(help="The file of a workflow as it was.")],
    new: Annotated[Path, typer.Argument(help="The file as it is to be.")],
) -> None:
    """Say what a new version of a workflow does otherwise."""
    changes = compare(read_workflow(old), read_workflow(new))
    for change in changes or ["nothing has changed"]:
        for line in change.split("\n"):
            say(line)
