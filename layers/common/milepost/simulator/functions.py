"""The Lambda functions that the states of a machine call, in this process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.base import instants
from milepost.base.refs import EnrollmentRef
from milepost.enrollments.ports import Enrollments, ExecutionEngine
from milepost.enrollments.program import END
from milepost.published.head import Published
from milepost.runtime.run_block import BlockRunner
from milepost.runtime.waits import register_wait
from milepost.simulator.interpreter import Execution
from milepost.workflows.compiler.state_machine import MachineConfig

WIRING = MachineConfig(
    run_steps="arn:aws:lambda:REGION:ACCOUNT:function:STACK-run-steps",
    await_event="arn:aws:lambda:REGION:ACCOUNT:function:STACK-await-event",
)
"""Names in the place of ARNs, which are known when a stack is deployed."""


@dataclass(frozen=True, slots=True)
class TaskFunctions:
    """What the handlers `run_steps` and `await_event` do, on the clock of the business."""

    runner: BlockRunner
    enrollments: Enrollments
    registry: Published
    engine: ExecutionEngine
    now: Callable[[], datetime]

    def run_steps(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Run a block, or end the enrollment whose execution gives up."""
        ref = EnrollmentRef.from_json(task["enrollment"])
        turn, leg, now = task["turn"], task["leg"], instants.format_instant(self.now())
        resting = {"next": END, "since": now, "until": now}
        if "give_up" in task:
            self.runner.abandon(ref, task["give_up"].get("Error", "failed"), leg)
        else:
            stop = self.runner.run(ref, task["block"], turn, leg)
            resting = {
                "next": stop.next,
                "since": instants.format_instant(stop.since),
                "until": instants.format_instant(stop.until),
            }
        return {"enrollment": task["enrollment"], "leg": leg, "turn": turn + 1, **resting}

    def await_event(self, task: Mapping[str, Any]) -> None:
        """Keep the task token of a wait where its event looks for it."""
        ref = EnrollmentRef.from_json(task["enrollment"])
        since = instants.parse_instant(task["since"])
        register_wait(
            self.enrollments,
            self.registry,
            self.engine,
            ref,
            task["step"],
            task["token"],
            since,
            task["turn"],
            task["leg"],
        )

    def execution_failed(self, execution: Execution) -> None:
        """End the enrollment of an execution that failed and did not come to its own giving up, of
        which EventBridge tells `run_steps`."""
        ref = EnrollmentRef.from_json(execution.started_with["enrollment"])
        self.runner.abandon(ref, f"machine {execution.status}", execution.started_with["leg"])
