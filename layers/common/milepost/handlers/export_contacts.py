"""The queue of exports: begin one, or go on with it."""

from collections.abc import Mapping
from typing import Any

from milepost.handlers.batch_runner import read_message, run_batch, time_left
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.wiring import transfer


def handler(batch: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """One stretch of each export; what is left is asked for in a message of its own."""
    return run_batch(batch, lambda body: _export(body, context), _failed)


def _export(body: str, context: Any) -> None:
    message = read_message(body, "export")
    if message is None:
        logger.info("not ours")
        return
    left = time_left(context)
    if message.id:
        export = transfer.exporter().go_on(message.store, message.id, message.turn, left)
    else:
        export = transfer.exporter().changed(message.store, message.path, left)
    if export is None:
        return
    said = {"store": export.store, "export_id": export.id, "items": export.read}
    logger.info("exporting", extra={**said, "done": export.done})
    if export.problem:
        count_metric("ExportsRefused")
    elif export.done:
        count_metric("ExportsFinished")


def _failed(message: str) -> None:
    logger.exception("not exported", extra={"queue_message": message})


preload()
