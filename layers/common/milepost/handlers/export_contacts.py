"""The queue of exports: start an export or continue one."""

from collections.abc import Mapping
from typing import Any

from milepost.handlers.batch_runner import read_message, run_batch, time_left
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.wiring import transfer


def handler(batch: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Run one call of each export. If work remains, a new message continues it."""
    return run_batch(batch, lambda body: _export(body, context), _failed)


def _export(body: str, context: Any) -> None:
    message = read_message(body, "export")
    if message is None:
        logger.info("unknown store")
        return
    left = time_left(context)
    if message.id:
        export = transfer.exporter().go_on(message.store, message.id, message.call_no, left)
    else:
        export = transfer.exporter().changed(message.store, message.path, left)
    if export is None:
        return
    extra = {"store": export.store, "export_id": export.id, "items": export.read}
    logger.info("exporting", extra={**extra, "done": export.done})
    if export.problem:
        count_metric("ExportsRefused")
    elif export.done:
        count_metric("ExportsFinished")


def _failed(message: str) -> None:
    logger.exception("export failed", extra={"queue_message": message})


preload()
