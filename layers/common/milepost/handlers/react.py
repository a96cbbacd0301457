"""The stream of the contacts table: applies one timeline event at a time, in order per contact."""

from collections.abc import Mapping
from typing import Any

from milepost.aws.keys import owner
from milepost.aws.table import unpack
from milepost.contacts.dynamodb.timeline import event_from_item, replayed_event_from_item
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.wiring import core, runtime


class UnappliedError(Exception):
    """Some records of the batch could not be applied; the stream delivers the batch again."""


def handler(batch: Mapping[str, Any], _: Any) -> None:
    """Apply a batch. A contact whose record fails waits for the retry; other contacts continue.

    Raising for the whole batch is safe, because applied records are skipped the second time. A
    record that keeps failing is quarantined with its reason, and then its contact continues. Only
    an error that ends the function itself makes Lambda bisect the batch and give up on it.
    """
    failed: set[str] = set()
    for record in batch["Records"]:
        change = record["dynamodb"]
        collection = change["Keys"]["pk"]["S"]
        if collection in failed:
            continue
        try:
            _apply(collection, change)
        except Exception:
            logger.exception("event not applied", extra={"sequence": change["SequenceNumber"]})
            failed.add(collection)
    if failed:
        raise UnappliedError(f"{len(failed)} contacts have events that could not be applied")


def _apply(collection: str, change: Mapping[str, Any]) -> None:
    image = change["NewImage"]
    if "copied" in image:
        return  # its own stack applies it
    store, contact = owner(collection)
    sequence = int(change["SequenceNumber"])
    try:
        _react(store, contact, sequence, image)
    except Exception as error:
        key, now = change["Keys"]["sk"]["S"], core.clock().wire_now()
        dead_letter = runtime.dead_letter_handler().handle(
            store, contact, key, sequence, image, error, now
        )
        count_metric("RecordsQuarantined")
        # Not the key: it contains an id that the shop chose.
        shown = {name: value for name, value in dead_letter.to_json().items() if name != "key"}
        logger.error("record quarantined", extra=shown)


def _react(store: str, contact: str, sequence: int, image: Mapping[str, Any]) -> None:
    item = unpack(image)
    event, replayed = event_from_item(store, item), replayed_event_from_item(item)
    now = core.clock().now()
    result = runtime.event_applier().apply(contact, event, sequence, now, replayed)
    logger.info(
        "event applied",
        extra={
            "store": store,
            "contact": contact,
            "event_name": event.name,
            "applied": result.applied,
            "forwarded": result.forwarded,
            "ended": result.ended,
            "resumed": result.resumed,
            "entered": result.entered,
            # Log the reason alone: the text after the colon quotes contact data.
            "refused": {name: why.partition(":")[0] for name, why in result.refused},
        },
    )


preload(runtime.event_applier, runtime.dead_letter_handler, core.clock)
