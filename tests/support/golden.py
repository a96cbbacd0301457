"""What the compiler makes of the shipped abandoned cart, kept so that every change is reviewed.

`PYTHONPATH=layers/common python -m tests.support.golden` writes the file anew.
"""

import json

from milepost.domain.graph import build_program
from milepost.domain.machine import Wiring, machine
from milepost.domain.reading import read_file
from milepost.domain.workflow import Workflow
from tests.support.template import ROOT

GOLDEN = ROOT / "tests" / "unit" / "golden" / "abandoned-cart.asl.json"
WIRING = Wiring(
    "arn:aws:lambda:us-east-1:123456789012:function:milepost-run-steps",
    "arn:aws:lambda:us-east-1:123456789012:function:milepost-await-event",
)


def abandoned_cart() -> str:
    """The definition of its state machine, as text."""
    source = (ROOT / "workflows" / "abandoned-cart.json").read_text("utf-8")
    workflow = read_file(source, Workflow)
    assert isinstance(workflow, Workflow)
    definition = machine(build_program("abandoned-cart", 1, workflow), WIRING)
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(abandoned_cart(), "utf-8")
