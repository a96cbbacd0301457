"""The queue of uploaded contacts: start an import, continue it or revert it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from milepost.handlers.batch_runner import read_message, run_batch, time_left
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.wiring import transfer

if TYPE_CHECKING:
    from milepost.transfer.imports.progress import Import


def handler(batch: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Run one call of each import. If work remains, a new message continues it."""
    return run_batch(batch, lambda body: _import(body, context), _failed)


def _import(body: str, context: Any) -> None:
    message = read_message(body, "import")
    if message is None:
        logger.info("unknown store")
        return
    left = time_left(context)
    if message.id:
        done = transfer.importer().go_on(message.store, message.id, message.call_no, left)
        found = [done] if done else []
    else:
        found = transfer.importer().changed(message.store, message.path, left)
    for state in found:
        _tell(state)


def _tell(state: "Import") -> None:
    logger.info(
        state.phase,
        extra={
            "store": state.store,
            "import_id": state.id,
            "rows": state.counts.rows,
            "failed": state.counts.failed,
            "percent": state.percent,
            "rows_per_second": state.speed,
        },
    )
    if state.phase in {"refused", "broken"}:
        count_metric("ImportsRefused")
    elif not state.going:
        count_metric("ImportsFinished")


def _failed(message: str) -> None:
    logger.exception("import failed", extra={"queue_message": message})


preload()
