"""`milepost draw`: a workflow as a picture, or in plain words."""

from pathlib import Path
from typing import Annotated

import typer

from milepost.cli.printing import Found, refuse, say
from milepost.cli.shelf import read_text
from milepost.domain.explain.mermaid import draw
from milepost.domain.explain.words import tell
from milepost.domain.language.workflow import Workflow
from milepost.domain.reading import read_file


def draw_file(
    file: Annotated[Path, typer.Argument(help="The file of a workflow.")],
    words: Annotated[bool, typer.Option("--words", help="Say it in plain words instead.")] = False,
) -> None:
    """Print a workflow as a flowchart, which GitHub and many editors draw (Mermaid)."""
    workflow = read_workflow(file)
    for line in (tell(workflow) if words else draw(workflow)).rstrip("\n").split("\n"):
        say(line)


def read_workflow(file: Path) -> Workflow:
    """The workflow in a file, wherever it lies; ends the command if it is none."""
    workflow = read_file(read_text(file), Workflow)
    if isinstance(workflow, list):
        refuse([Found(str(file), problem) for problem in workflow])
    return workflow
