from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core

if TYPE_CHECKING:
    from milepost.transfer.exports.exporter import StoreExporter
    from milepost.transfer.imports.importer import Importer


@cache
def importer() -> "Importer":
    import time

    from milepost.aws.sqs import SqsContinuationQueue
    from milepost.stores.aws import S3Files
    from milepost.transfer.aws import S3Uploads
    from milepost.transfer.dynamodb.bulk_contacts import DynamoBulkContacts
    from milepost.transfer.dynamodb.progress import DynamoImports
    from milepost.transfer.imports.import_loop import ImportLoop
    from milepost.transfer.imports.importer import Importer
    from milepost.transfer.imports.upload_handler import UploadHandler

    core.settings().need("bucket", "import_queue")
    uploads = S3Uploads(core.client("s3"), core.settings().bucket)
    imports = DynamoImports(core.table(core.settings().workflows_table))
    files = S3Files(core.client("s3"), core.settings().bucket)
    table = core.table(core.settings().contacts_table)
    return Importer(
        intake=UploadHandler(uploads, imports, core.clock().now, core.clock().wire_now),
        walker=ImportLoop(
            uploads=uploads,
            imports=imports,
            reports=files,
            now=core.clock().now,
            wire_now=core.clock().wire_now,
            seconds=time.monotonic,
            sleep=time.sleep,
        ),
        people=DynamoBulkContacts(table, core.settings().retention, core.clock().wire_now),
        registry=core.published(),
        requeue=SqsContinuationQueue(core.client("sqs"), core.settings().import_queue),
    )


@cache
def exporter() -> "StoreExporter":
    import time

    from milepost.aws.sqs import SqsContinuationQueue
    from milepost.stores.aws import S3Files
    from milepost.transfer.aws import S3Uploads
    from milepost.transfer.dynamodb.progress import DynamoExports
    from milepost.transfer.dynamodb.store_scan import DynamoStoreScan
    from milepost.transfer.exports.exporter import StoreExporter

    core.settings().need("bucket", "export_queue")
    uploads = S3Uploads(core.client("s3"), core.settings().bucket)
    return StoreExporter(
        everything=DynamoStoreScan(
            core.table(core.settings().contacts_table), core.clock().wire_now
        ),
        exports=DynamoExports(core.table(core.settings().workflows_table)),
        uploads=uploads,
        shelves=uploads,
        reports=S3Files(core.client("s3"), core.settings().bucket),
        requeue=SqsContinuationQueue(core.client("sqs"), core.settings().export_queue),
        now=core.clock().now,
        wire_now=core.clock().wire_now,
        seconds=time.monotonic,
    )
