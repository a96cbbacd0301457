"""The Lambda functions that state machines call, in this process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.base import times
from milepost.base.names import EnrollmentRef
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
"""Placeholders for the ARNs, which are known only in a deployed stack."""


@dataclass(frozen=True, slots=True)
class TaskFunctions:
    """What the handlers `run_steps` and `await_event` do, in business time."""

    runner: BlockRunner
    enrollments: Enrollments
    registry: Published
    engine: ExecutionEngine
    now: Callable[[], datetime]

    def run_steps(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Run a block, or end the enrollment whose execution has failed."""
        ref = EnrollmentRef.from_json(task["enrollment"])
        block_seq, execution_no, now = (
            task["block_seq"],
            task["execution_no"],
            times.format_instant(self.now()),
        )
        wait = {"next": END, "since": now, "until": now}
        if "abandon" in task:
            self.runner.abandon(ref, task["abandon"].get("Error", "failed"), execution_no)
        else:
            result = self.runner.run(ref, task["block"], block_seq, execution_no)
            wait = {
                "next": result.next,
                "since": times.format_instant(result.since),
                "until": times.format_instant(result.until),
            }
        return {
            "enrollment": task["enrollment"],
            "execution_no": execution_no,
            "block_seq": block_seq + 1,
            **wait,
        }

    def await_event(self, task: Mapping[str, Any]) -> None:
        """Store the task token of a wait, so that the event can resume it."""
        ref = EnrollmentRef.from_json(task["enrollment"])
        since = times.parse_instant(task["since"])
        register_wait(
            self.enrollments,
            self.registry,
            self.engine,
            ref,
            task["step"],
            task["token"],
            since,
            task["block_seq"],
            task["execution_no"],
        )

    def execution_failed(self, execution: Execution) -> None:
        """End the enrollment of an execution that failed without its `abandon` state.

        In a stack, EventBridge reports such executions to `run_steps`.
        """
        ref = EnrollmentRef.from_json(execution.started_with["enrollment"])
        self.runner.abandon(
            ref, f"state machine {execution.status}", execution.started_with["execution_no"]
        )
