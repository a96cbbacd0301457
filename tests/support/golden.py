"""Writes what the compiler makes of the shipped abandoned cart: `python -m tests.support.golden`.

The file is committed, so that every change of a compiled machine is seen and reviewed.
"""

import json

from milepost.domain.graph import build_program
from milepost.domain.machine import machine
from milepost.domain.reading import read_file
from milepost.domain.workflow import Workflow
from tests.support.template import ROOT
from tests.unit.test_machine import GOLDEN, WIRING


def write() -> None:
    source = (ROOT / "workflows" / "abandoned-cart.json").read_text("utf-8")
    workflow = read_file(source, Workflow)
    assert isinstance(workflow, Workflow)
    definition = machine(build_program("abandoned-cart", 1, workflow), WIRING)
    text = json.dumps(definition, indent=2, ensure_ascii=False) + "\n"
    (GOLDEN / "abandoned-cart.asl.json").write_text(text, "utf-8")


if __name__ == "__main__":
    write()
