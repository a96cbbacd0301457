"""`milepost draw`: prints a workflow as a flowchart or in plain words."""

from pathlib import Path
from typing import Annotated

import typer

from milepost.base.parse_file import parse_file
from milepost.workflows.explain.description import describe
from milepost.workflows.explain.mermaid import draw_flowchart
from milepost.workflows.language.workflow import Workflow
from milepost_tools.cli.local_store import read_text
from milepost_tools.cli.output import FileProblem, exit_with_problems, print_line


def draw_file(
    file: Annotated[Path, typer.Argument(help="A workflow file.")],
    words: Annotated[
        bool, typer.Option("--words", help="Describe it in plain English instead.")
    ] = False,
) -> None:
    """Print a workflow as a flowchart (Mermaid)."""
    workflow = read_workflow(file)
    for line in (
        (describe(workflow) if words else draw_flowchart(workflow)).rstrip("\n").split("\n")
    ):
        print_line(line)


def read_workflow(file: Path) -> Workflow:
    """Read the workflow in a file at any path; end the command if it is invalid."""
    workflow = parse_file(read_text(file), Workflow)
    if isinstance(workflow, list):
        exit_with_problems([FileProblem(str(file), problem) for problem in workflow])
    return workflow
