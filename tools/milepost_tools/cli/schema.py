"""`milepost schema`: prints the JSON Schema of a kind of file."""

from typing import Annotated

import typer

from milepost.base.problems import did_you_mean
from milepost_tools.cli.output import fail
from milepost_tools.reference.schema import FILES, schema_text


def print_schema(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(FILES)}.")] = "workflow",
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    if kind not in FILES:
        hint = did_you_mean(kind, FILES) or f"it is one of {', '.join(FILES)}"
        fail(f'there is no kind of file "{kind}": {hint}')
    typer.echo(schema_text(FILES[kind]), nl=False)
