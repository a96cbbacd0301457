"""Writes the JSON Schemas into `workflows/schema`.

`PYTHONPATH=layers/common:tools python -m tests.support.schema` rewrites them. They are committed,
so that any editor can complete and explain a workflow without running anything.
"""

from milepost_tools.reference import schema as made
from milepost_tools.reference.schema import schema
from milepost_tools.reference.schema import schema_text as text
from tests.support.template import ROOT

__all__ = ["FILES", "FOLDER", "schema", "text"]

FOLDER = ROOT / "workflows" / "schema"
FILES = {f"{kind}.schema.json": model for kind, model in made.FILES.items()}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, model in FILES.items():
        (FOLDER / name).write_text(text(model), "utf-8")
