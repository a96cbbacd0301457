"""`milepost compile`: prints the state machine of a workflow."""

from pathlib import Path
from typing import Annotated

import typer

from milepost_tools.cli.output import show_json
from milepost_tools.cli.publish_locally import publish_file


def compile_file(
    file: Annotated[Path, typer.Argument(help="A workflow file in a store's folder.")],
    program: Annotated[
        bool, typer.Option("--program", help="Print the compiled steps instead.")
    ] = False,
) -> None:
    """Print the state machine of a workflow (Amazon States Language)."""
    name, shop = publish_file(file)
    show_json(shop.program(name).to_json() if program else shop.machine(name))
