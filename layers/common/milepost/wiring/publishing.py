from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, segments

if TYPE_CHECKING:
    from milepost.publishing.publish import Publisher


@cache
def publisher() -> "Publisher":
    from decimal import Decimal

    from milepost.publishing.dynamodb import DynamoPublishedWriter, StepFunctionsStateMachines
    from milepost.publishing.publish import Publisher
    from milepost.publishing.workflows import WorkflowPublisher
    from milepost.simulator.workflow_tests import run_publish_tests
    from milepost.stores.aws import S3Files
    from milepost.workflows.compiler.scenarios import Prices
    from milepost.workflows.compiler.state_machine import MachineConfig

    required = (
        "bucket",
        "state_machine_arn_prefix",
        "state_machine_role_arn",
        "run_steps_arn",
        "await_event_arn",
    )
    core.settings().need(*required)
    files = S3Files(core.client("s3"), core.settings().bucket)
    publications = DynamoPublishedWriter(core.table(core.settings().workflows_table))
    workflows = WorkflowPublisher(
        files=files,
        publications=publications,
        machines=StepFunctionsStateMachines(
            core.client("stepfunctions"),
            core.settings().state_machine_arn_prefix,
            core.settings().state_machine_role_arn,
        ),
        wiring=MachineConfig(
            core.settings().run_steps_arn,
            core.settings().await_event_arn,
            core.clock().wire_seconds,
            core.settings().suspend_after,
        ),
        name_room=80 - len(core.settings().state_machine_arn_prefix.rpartition(":")[2]),
        prices=Prices(
            Decimal(core.settings().transition_price), Decimal(core.settings().mail_price)
        ),
        alerts=bool(core.settings().alarm_topic),
        trials=run_publish_tests,
    )
    return Publisher(
        files=files,
        publications=publications,
        workflows=workflows,
        now=core.clock().now,
        estimate=segments.segment_queries().estimate,
        sender_domain=core.settings().sender_domain,
    )
