"""The queue of privacy requests: runs exports and erasures one at a time."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from milepost.base.names import is_request, is_store
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.wiring import privacy

TIME_RESERVE_MS = 60_000
"""Milliseconds reserved at the end of a call: for one page of a large contact and for saving the
progress."""


def handler(batch: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Continue each request. SQS delivers only the failed ones again."""

    def out_of_time() -> bool:
        return bool(context and context.get_remaining_time_in_millis() < TIME_RESERVE_MS)

    failed = []
    for record in batch["Records"]:
        try:
            _carry_out(json.loads(record["body"]), out_of_time)
        except Exception:
            logger.exception("privacy request failed", extra={"queue_message": record["messageId"]})
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _carry_out(message: Mapping[str, Any], out_of_time: Callable[[], bool]) -> None:
    store, id_ = str(message["store"]), str(message["request"])
    if not (is_store(store) and is_request(id_)):
        raise ValueError("the message names no request")
    request = privacy.request_worker().carry_out(store, id_, out_of_time)
    if request is None:
        raise LookupError("there is no such request")
    extra = {"store": store, "request": id_, "kind": request.kind, "status": request.status}
    logger.info("privacy request", extra=extra)
    if request.status == "done":
        count_metric("PrivacyRequestsDone")


preload()
