"""`start_workflow`: lets the contact into another workflow."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import WorkflowName
from milepost.base.markdown import code
from milepost.workflows.step_type import EVENT_RESULTS, Step, StepType, Use


class StartWorkflow(Step):
    """Lets the contact into another workflow. That one needs the trigger `manual`."""

    type: Literal["start_workflow"] = Field(description="Starts another workflow.")
    workflow: WorkflowName


STEP = StepType(
    model=StartWorkflow,
    describe=lambda step: f"Start the workflow {code(step.workflow)}",
    label=lambda step: f"Start {step.workflow}",
    results=EVENT_RESULTS,
    uses=lambda step: [Use("workflow", step.workflow, "workflow")],
)
