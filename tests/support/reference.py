"""Writes `docs/workflow-language.md`, and knows where its parts are.

`PYTHONPATH=layers/common:tools python -m tests.support.reference` rewrites it from the models, from
`docs/workflow-language.intro.md` and from the workflows in `docs/examples`.
"""

import json
from typing import Any

from milepost_tools.reference.reference import reference
from tests.support.template import ROOT

DOCS = ROOT / "docs"
PAGE = DOCS / "workflow-language.md"
INTRODUCTION = DOCS / "workflow-language.intro.md"
EXAMPLES = {path.stem: path for path in sorted((DOCS / "examples").glob("*.json"))}


def documents() -> dict[str, dict[str, Any]]:
    """The examples by name."""
    return {name: json.loads(path.read_text("utf-8")) for name, path in EXAMPLES.items()}


def text() -> str:
    """The text that the page must have."""
    return reference(INTRODUCTION.read_text("utf-8"), documents())


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
