from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, segments, sending, tables

if TYPE_CHECKING:
    from milepost.runtime.backfill import BackfillScheduler, BackfillWorker
    from milepost.runtime.broadcasts import Broadcaster
    from milepost.runtime.dead_letters import DeadLetterHandler
    from milepost.runtime.dynamodb.count_jobs import DynamoCountJobs
    from milepost.runtime.dynamodb.dead_letters import DynamoDeadLetters
    from milepost.runtime.execution_starter import ExecutionStarter
    from milepost.runtime.nightly_counts import NightlyCounts
    from milepost.runtime.react import EventApplier
    from milepost.runtime.reevaluation import Reevaluator
    from milepost.runtime.rollout import VersionRollout
    from milepost.runtime.run_block import BlockRunner


@cache
def event_applier() -> "EventApplier":
    from milepost.runtime.react import EventApplier

    core.settings().need("state_machine_arn_prefix")
    return EventApplier(
        tables.contacts(),
        tables.enrollments(),
        core.published(),
        core.engine(),
        tables.context_loader(),
        tables.merging(),
        segments.segment_evaluator(),
    )


@cache
def dead_letter_handler() -> "DeadLetterHandler":
    from milepost.runtime.dead_letters import DeadLetterHandler

    return DeadLetterHandler(tables.contacts(), _dead_letters)


@cache
def _dead_letters() -> "DynamoDeadLetters":
    from milepost.runtime.dynamodb.dead_letters import DynamoDeadLetters

    core.settings().need("dead_letters")
    return DynamoDeadLetters(
        core.table(core.settings().contacts_table), core.client("sqs"), core.settings().dead_letters
    )


@cache
def block_runner() -> "BlockRunner":
    from milepost.runtime.run_block import BlockRunner
    from milepost.runtime.steps.tools import StepTools

    tools = StepTools(
        sending.mail_sender(),
        tables.context_loader(),
        tables.timeline(),
        core.outbound,
        core.alerts,
        core.secrets(),
        core.clock().wire_now,
    )
    core.settings().need("state_machine_arn_prefix")
    return BlockRunner(
        tables.enrollments(),
        core.published(),
        tools,
        core.clock().now,
        core.engine,
        count_jobs().mark_moved,
    )


@cache
def count_jobs() -> "DynamoCountJobs":
    from milepost.runtime.dynamodb.count_jobs import DynamoCountJobs

    return DynamoCountJobs(core.table(core.settings().workflows_table))


@cache
def nightly_counts() -> "NightlyCounts":
    from time import monotonic

    from milepost.runtime.nightly_counts import NightlyCounts
    from milepost.sending.dynamodb.counts import DynamoRuns
    from milepost.sending.run_counter import RunCounter

    runs = DynamoRuns(core.table(core.settings().contacts_table))
    counter = RunCounter(runs, core.published())
    return NightlyCounts(count_jobs(), counter, core.clock().now, monotonic)


@cache
def execution_starter() -> "ExecutionStarter":
    from milepost.runtime.execution_starter import ExecutionStarter

    core.settings().need("state_machine_arn_prefix")
    return ExecutionStarter(tables.enrollments(), core.published(), core.engine(), core.clock().now)


@cache
def reevaluator() -> "Reevaluator":
    from milepost.runtime.reevaluation import MISSED_CHECK_GRACE, Reevaluator

    grace = MISSED_CHECK_GRACE * core.clock().speed
    return Reevaluator(
        tables.contacts(), tables.timeline(), core.published(), core.clock().now, grace
    )


@cache
def broadcaster() -> "Broadcaster":
    from milepost.runtime.broadcasts import GRACE_PERIOD, Broadcaster
    from milepost.runtime.dynamodb.jobs import DynamoJobs
    from milepost.stores.aws import S3Files

    core.settings().need("bucket")
    return Broadcaster(
        members=tables.members(),
        timeline=tables.timeline(),
        registry=core.published(),
        works=DynamoJobs(core.table(core.settings().workflows_table)),
        files=S3Files(core.client("s3"), core.settings().bucket),
        now=core.clock().now,
        most=60 * int(core.settings().broadcast_rate),
        grace=GRACE_PERIOD * core.clock().speed,
    )


@cache
def version_rollout() -> "VersionRollout":
    from milepost.runtime.dynamodb.jobs import DynamoJobs
    from milepost.runtime.rollout import CACHE_GRACE, MIGRATION_TIMEOUT, VersionRollout

    jobs = DynamoJobs(core.table(core.settings().workflows_table))
    grace, timeout = CACHE_GRACE * core.clock().speed, MIGRATION_TIMEOUT * core.clock().speed
    parts = (
        tables.enrollments(),
        core.published(),
        core.engine(),
        tables.timers(),
        jobs,
        tables.ledger(),
        core.clock().now,
        grace,
    )
    return VersionRollout(*parts, timeout, timeline=tables.timeline())


@cache
def backfill_scheduler() -> "BackfillScheduler":
    from milepost.runtime.aws import StepFunctionsBackfill
    from milepost.runtime.backfill import BackfillScheduler
    from milepost.runtime.dynamodb.jobs import DynamoJobs

    core.settings().need("backfill_state_machine_arn")
    return BackfillScheduler(
        DynamoJobs(core.table(core.settings().workflows_table)),
        core.published(),
        tables.members(),
        tables.backfill_progress(),
        StepFunctionsBackfill(
            core.client("stepfunctions"), core.settings().backfill_state_machine_arn
        ),
        core.clock().now,
        2 * core.cache_duration() * core.clock().speed,
    )


@cache
def backfill_worker() -> "BackfillWorker":
    from milepost.runtime.backfill import BackfillWorker

    return BackfillWorker(
        tables.contacts(),
        tables.timeline(),
        core.published(),
        tables.members(),
        segments.segment_evaluator(),
        tables.backfill_progress(),
        core.clock().now,
    )
