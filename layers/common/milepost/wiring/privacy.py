from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.aws.sqs import SqsLater
    from milepost.privacy.aws import S3Vault
    from milepost.privacy.request_queue import Desk
    from milepost.privacy.worker import Clerk


@cache
def vault() -> "S3Vault":
    from milepost.privacy.aws import S3Vault

    core.settings().need("bucket")
    return S3Vault(core.client("s3"), core.settings().bucket)


@cache
def later() -> "SqsLater":
    from milepost.aws.sqs import SqsLater

    core.settings().need("privacy_queue")
    return SqsLater(core.client("sqs"), core.settings().privacy_queue)


@cache
def desk() -> "Desk":
    from milepost.privacy.request_queue import Desk

    return Desk(tables.timeline(), tables.requests(), later())


@cache
def clerk() -> "Clerk":
    from milepost.privacy.dynamodb import DynamoRemains
    from milepost.privacy.erase import Eraser
    from milepost.privacy.export import Exporter
    from milepost.privacy.worker import Clerk

    core.settings().need("machine_arn_prefix")
    remains = DynamoRemains(core.table(core.settings().contacts_table), core.settings().retention)
    eraser = Eraser(
        contacts=tables.contacts(),
        engine=core.engine(),
        remains=remains,
        requests=tables.requests(),
        vault=vault(),
        later=later(),
        now=core.clock().now,
        wire_now=core.clock().wire_now,
    )
    exporter = Exporter(
        tables.contacts(), tables.lives(), remains, tables.requests(), vault(), core.clock().now
    )
    return Clerk(
        tables.requests(),
        eraser,
        exporter,
        core.alerts() if core.settings().alarm_topic else None,
    )
