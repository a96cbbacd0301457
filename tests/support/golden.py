"""Golden files of the shipped abandoned cart, so that every change is reviewed.

`PYTHONPATH=layers/common:tools python -m tests.support.golden` rewrites the files.
"""

import json
from datetime import UTC, datetime

from milepost.base.parse_file import parse_file
from milepost.publishing.report import PublishReport, as_markdown
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.compiler.scenarios import DEFAULT_PRICES
from milepost.workflows.compiler.state_machine import MachineConfig, state_machine
from milepost.workflows.explain.explanation import explain
from milepost.workflows.language.workflow import Workflow
from tests.support.template import ROOT

GOLDEN = ROOT / "tests" / "unit" / "golden" / "abandoned-cart.asl.json"
REPORT = ROOT / "tests" / "unit" / "golden" / "abandoned-cart.report.md"
WIRING = MachineConfig(
    "arn:aws:lambda:us-east-1:123456789012:function:milepost-run-steps",
    "arn:aws:lambda:us-east-1:123456789012:function:milepost-await-event",
)


def abandoned_cart() -> str:
    """The definition of its state machine, as text."""
    definition = state_machine(build_program("abandoned-cart", 1, _workflow()), WIRING)
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def abandoned_cart_report() -> str:
    """The Markdown publish report of a version that differs from the live one."""
    workflow = _workflow()
    wait, *steps = workflow.steps
    before = workflow.model_copy(
        update={"goal": None, "steps": [wait.model_copy(update={"for_": "4 hours"}), *steps[:1]]}
    )
    program = build_program("abandoned-cart", 2, workflow)
    report = PublishReport(
        "workflows/abandoned-cart.json",
        "published",
        datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
        version="2",
        explanation=explain(workflow, program, before, DEFAULT_PRICES),
    )
    return as_markdown(report)


def _workflow() -> Workflow:
    source = (ROOT / "workflows" / "abandoned-cart.json").read_text("utf-8")
    workflow = parse_file(source, Workflow)
    assert isinstance(workflow, Workflow)
    return workflow


if __name__ == "__main__":
    GOLDEN.write_text(abandoned_cart(), "utf-8")
    REPORT.write_text(abandoned_cart_report(), "utf-8")
