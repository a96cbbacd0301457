"""The queues of imports and exports. A message names a changed file or continues an earlier
call."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from milepost.base.names import is_store

TIME_RESERVE = 45_000
"""In milliseconds. With less time left, the function starts nothing new: one request may still have
to be retried."""


class ContinuationMessage(NamedTuple):
    """A store and either the path of a changed file or the `id` and call number of work to
    continue."""

    store: str
    path: str = ""
    id: str = ""
    call_no: int = 0


def read_message(body: str, kind: str) -> ContinuationMessage | None:
    """Parse a message of the queue; None if it is not one of ours."""
    try:
        document = json.loads(body)
        if kind in document:
            found = ContinuationMessage(
                document["store"], id=document[kind], call_no=document["call_no"]
            )
        else:
            store, _, path = document["detail"]["object"]["key"].partition("/")
            found = ContinuationMessage(store, path)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if is_store(found.store) else None


def time_left(context: Any) -> Callable[[], bool]:
    """Return a function that tells whether enough time is left to start something new."""
    return lambda: context.get_remaining_time_in_millis() > TIME_RESERVE


def run_batch(
    batch: Mapping[str, Any], act: Callable[[str], None], failed: Callable[[str], None]
) -> dict[str, Any]:
    """Act on each record. Return the failed ones alone, so that SQS delivers only them again."""
    failures = []
    for record in batch["Records"]:
        try:
            act(record["body"])
        except Exception:
            failed(record["messageId"])
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
