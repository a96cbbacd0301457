from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, segments, sending, tables

if TYPE_CHECKING:
    from milepost.runtime.backfill import Looker, LookWorks
    from milepost.runtime.broadcasts import Broadcaster
    from milepost.runtime.dead_letters import Isolator
    from milepost.runtime.dynamodb.dead_letters import DynamoLetters
    from milepost.runtime.execution_starter import Legs
    from milepost.runtime.react import Reactor
    from milepost.runtime.reevaluation import Lookouts
    from milepost.runtime.rollout import Crowd
    from milepost.runtime.run_block import Runner
    from milepost.runtime.steps.actions import Actor


@cache
def reactor() -> "Reactor":
    from milepost.runtime.react import Reactor

    core.settings().need("machine_arn_prefix")
    return Reactor(
        tables.contacts(),
        tables.enrollments(),
        core.registry(),
        core.engine(),
        tables.facts(),
        tables.merging(),
        segments.segmenter(),
    )


@cache
def isolator() -> "Isolator":
    from milepost.runtime.dead_letters import Isolator

    return Isolator(tables.contacts(), _letters)


@cache
def _letters() -> "DynamoLetters":
    from milepost.runtime.dynamodb.dead_letters import DynamoLetters

    core.settings().need("dead_letters")
    return DynamoLetters(
        core.table(core.settings().contacts_table), core.client("sqs"), core.settings().dead_letters
    )


@cache
def actor() -> "Actor":
    from milepost.runtime.steps.actions import Actor

    return Actor(
        tables.timeline(), core.outbound, core.alerts, core.secrets(), core.clock().wire_now
    )


@cache
def runner() -> "Runner":
    from milepost.runtime.run_block import Runner
    from milepost.runtime.steps.steps import Steps

    steps = Steps(tables.enrollments(), sending.sender(), actor(), tables.facts())
    core.settings().need("machine_arn_prefix")
    return Runner(
        tables.enrollments(),
        core.registry(),
        sending.sender(),
        steps,
        core.clock().now,
        core.engine,
    )


@cache
def legs() -> "Legs":
    from milepost.runtime.execution_starter import Legs

    core.settings().need("machine_arn_prefix")
    return Legs(tables.enrollments(), core.registry(), core.engine(), core.clock().now)


@cache
def lookouts() -> "Lookouts":
    from milepost.runtime.reevaluation import UNSEEN, Lookouts

    unseen = UNSEEN * core.clock().speed
    return Lookouts(tables.contacts(), tables.timeline(), core.registry(), core.clock().now, unseen)


@cache
def broadcaster() -> "Broadcaster":
    from milepost.runtime.broadcasts import GRACE, Broadcaster
    from milepost.runtime.dynamodb.jobs import DynamoWorks
    from milepost.stores.aws import S3Files

    core.settings().need("bucket")
    return Broadcaster(
        members=tables.members(),
        timeline=tables.timeline(),
        registry=core.registry(),
        works=DynamoWorks(core.table(core.settings().workflows_table)),
        files=S3Files(core.client("s3"), core.settings().bucket),
        now=core.clock().now,
        most=60 * int(core.settings().broadcast_rate),
        grace=GRACE * core.clock().speed,
    )


@cache
def crowd() -> "Crowd":
    from milepost.runtime.dynamodb.jobs import DynamoWorks
    from milepost.runtime.rollout import GRACE, PATIENCE, Crowd

    works = DynamoWorks(core.table(core.settings().workflows_table))
    grace, patience = GRACE * core.clock().speed, PATIENCE * core.clock().speed
    parts = (
        tables.enrollments(),
        core.registry(),
        core.engine(),
        tables.timers(),
        works,
        tables.ledger(),
        core.clock().now,
        grace,
    )
    return Crowd(*parts, patience, timeline=tables.timeline())


@cache
def look_works() -> "LookWorks":
    from milepost.runtime.aws import StepFunctionsLooks
    from milepost.runtime.backfill import LookWorks
    from milepost.runtime.dynamodb.jobs import DynamoWorks

    core.settings().need("look_machine_arn")
    return LookWorks(
        DynamoWorks(core.table(core.settings().workflows_table)),
        core.registry(),
        tables.members(),
        tables.progress(),
        StepFunctionsLooks(core.client("stepfunctions"), core.settings().look_machine_arn),
        core.clock().now,
        2 * core.fresh_for() * core.clock().speed,
    )


@cache
def looker() -> "Looker":
    from milepost.runtime.backfill import Looker

    return Looker(
        tables.contacts(),
        tables.timeline(),
        core.registry(),
        tables.members(),
        segments.segmenter(),
        tables.progress(),
        core.clock().now,
    )
