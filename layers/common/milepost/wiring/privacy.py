from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.aws.sqs import SqsPrivacyQueue
    from milepost.privacy.aws import S3ExportStorage
    from milepost.privacy.request_queue import PrivacyRequestIntake
    from milepost.privacy.worker import PrivacyRequestWorker


@cache
def export_storage() -> "S3ExportStorage":
    from milepost.privacy.aws import S3ExportStorage

    core.settings().need("bucket")
    return S3ExportStorage(core.client("s3"), core.settings().bucket)


@cache
def privacy_queue() -> "SqsPrivacyQueue":
    from milepost.aws.sqs import SqsPrivacyQueue

    core.settings().need("privacy_queue")
    return SqsPrivacyQueue(core.client("sqs"), core.settings().privacy_queue)


@cache
def request_intake() -> "PrivacyRequestIntake":
    from milepost.privacy.request_queue import PrivacyRequestIntake

    return PrivacyRequestIntake(tables.timeline(), tables.privacy_requests(), privacy_queue())


@cache
def request_worker() -> "PrivacyRequestWorker":
    from milepost.privacy.dynamodb import DynamoContactDeletion
    from milepost.privacy.erase import ContactEraser
    from milepost.privacy.export import PersonExporter
    from milepost.privacy.worker import PrivacyRequestWorker

    core.settings().need("state_machine_arn_prefix")
    deletion = DynamoContactDeletion(
        core.table(core.settings().contacts_table), core.settings().retention
    )
    eraser = ContactEraser(
        contacts=tables.contacts(),
        engine=core.engine(),
        remains=deletion,
        requests=tables.privacy_requests(),
        vault=export_storage(),
        later=privacy_queue(),
        now=core.clock().now,
        wire_now=core.clock().wire_now,
    )
    exporter = PersonExporter(
        tables.contacts(),
        tables.contact_records(),
        deletion,
        tables.privacy_requests(),
        export_storage(),
        core.clock().now,
    )
    return PrivacyRequestWorker(
        tables.privacy_requests(),
        eraser,
        exporter,
        core.alerts() if core.settings().alarm_topic else None,
    )
