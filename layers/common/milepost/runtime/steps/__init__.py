"""What happens at each step type. Waits are not here: at them a block ends."""

from collections.abc import Callable
from typing import Final

from milepost.enrollments.program import Node
from milepost.runtime.steps import branch, exit, goto, holdout, notify, send_email, split, webhook
from milepost.runtime.steps.block_run import BlockRun, StepResult
from milepost.runtime.steps.tools import StepTools

Runner = Callable[[Node, BlockRun, StepTools], StepResult]

RUNNERS: Final[dict[str, Runner]] = {
    "branch": branch.run,
    "exit": exit.run,
    "goto": goto.run,
    "holdout": holdout.run,
    "notify": notify.run,
    "send_email": send_email.run,
    "split": split.run,
    "webhook": webhook.run,
}
"""One row for each step type that neither waits nor reports an event (`STEP_EVENTS`)."""
