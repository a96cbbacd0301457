"""The queue of privacy requests: runs exports and erasures one at a time."""

import json
from collections.abc import Mapping
from typing import Any

from milepost.base.names import is_request, is_store
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.wiring import privacy

NEEDED_MS = 60_000
"""Milliseconds reserved at the end of a call: for one page of a large contact and for saving the
progress."""


def handler(batch: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Continue each request. SQS delivers only the failed ones again."""

    def tired() -> bool:
        return bool(context and context.get_remaining_time_in_millis() < NEEDED_MS)

    failed = []
    for record in batch["Records"]:
        try:
            _carry_out(json.loads(record["body"]), tired)
        except Exception:
            logger.exception("privacy request failed", extra={"queue_message": record["messageId"]})
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _carry_out(named: Mapping[str, Any], tired: Any) -> None:
    store, id_ = str(named["store"]), str(named["request"])
    if not (is_store(store) and is_request(id_)):
        raise ValueError("this names no request")
    request = privacy.clerk().carry_out(store, id_, tired)
    if request is None:
        raise LookupError("there is no such request")
    extra = {"store": store, "request": id_, "kind": request.kind, "status": request.status}
    logger.info("privacy request", extra=extra)
    if request.status == "done":
        count_metric("PrivacyRequestsDone")


preload()
