"""The queue of SES events: merges each into the ledger and the timeline."""

from collections.abc import Mapping
from typing import Any

from milepost.base.errors import ThrottledError
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.sending.ses_events import from_queue
from milepost.wiring import core, sending, tables


def handler(batch: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Record a batch of delivery events. SQS delivers only the failed ones again."""
    failed = []
    for record in batch["Records"]:
        try:
            _record(record["body"])
        except Exception:
            logger.exception(
                "delivery event not recorded", extra={"queue_message": record["messageId"]}
            )
            failed.append({"itemIdentifier": record["messageId"]})
    try:
        sending.marketing_health().flush()
    except ThrottledError:
        logger.warning("sent counter not updated")
    return {"batchItemFailures": failed}


def _record(body: str) -> None:
    found = from_queue(body)
    if found is None:
        if not _record_probe_event(body):
            count_metric("EmailEventsIgnored")
        return
    if not sending.feedback_recorder().record(found.store, found.message, found.report):
        logger.warning("unknown message id", extra={"kind": found.report.kind})
        count_metric("EmailEventsUnknown")
        return
    if found.report.kind == "bounced" and not found.report.permanent:
        count_metric("BouncesTransient")
    logger.info(
        "delivery event recorded", extra={"message_id": found.message, "kind": found.report.kind}
    )


def _record_probe_event(body: str) -> bool:
    """Record an SES event for a test e-mail of `milepost doctor`; False if it belongs to none."""
    from milepost.sending.probes import probe_in  # needed a few times a year

    probe_event = probe_in(body)
    if probe_event is not None:
        tables.probes().record_report(probe_event.probe, probe_event.kind, core.clock().wire_now())
        logger.info("test e-mail reported", extra={"kind": probe_event.kind})
    return probe_event is not None


preload(sending.feedback_recorder)
