"""The queues of imports and exports: a changed file, or an earlier call that ran out of time."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from milepost.base.names import is_store

TIME_RESERVE = 45_000
"""Milliseconds left at which no more is begun: time for one request that has to be repeated."""


class ContinuationMessage(NamedTuple):
    """A store and either the path of a file that changed, or what is to go on at which turn."""

    store: str
    path: str = ""
    id: str = ""
    turn: int = 0


def read_message(body: str, kind: str) -> ContinuationMessage | None:
    """What a message of the queue is about; None if it is nothing of ours."""
    try:
        document = json.loads(body)
        if kind in document:
            found = ContinuationMessage(document["store"], id=document[kind], turn=document["turn"])
        else:
            store, _, path = document["detail"]["object"]["key"].partition("/")
            found = ContinuationMessage(store, path)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if is_store(found.store) else None


def time_left(context: Any) -> Callable[[], bool]:
    """Whether the function may begin something more."""
    return lambda: context.get_remaining_time_in_millis() > TIME_RESERVE


def run_batch(
    batch: Mapping[str, Any], act: Callable[[str], None], failed: Callable[[str], None]
) -> dict[str, Any]:
    """Act on each record; what fails is handed over again, alone."""
    failures = []
    for record in batch["Records"]:
        try:
            act(record["body"])
        except Exception:
            failed(record["messageId"])
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
