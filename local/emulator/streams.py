"""DynamoDB streams: retry, give up and dead-letter a failed record as AWS does.

MiniStack takes any normal return of the function for success of the whole batch, and retries a
batch that raised forever. AWS treats `batchItemFailures` as a checkpoint, splits a failed batch
(BisectBatchOnFunctionError), and after MaximumRetryAttempts sends the position of the records to
the failure destination. Without this module, a function that reports its failures would lose them
here, and one bad record would stop the local stream.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.services import lambda_svc

from local.emulator.state_machines import with_globals

Records = list[dict[str, Any]]
Result = dict[str, Any]


@dataclass
class Progress:
    """The progress of one mapping inside the batch that its poller offers repeatedly."""

    resume: str = ""  # sequence number of the first unprocessed record
    limit: int = 0  # how many records are sent at a time; 0 for all
    attempts: int = 0

    def move_to(self, sequence: str) -> None:
        if sequence != self.resume:
            self.resume, self.attempts = sequence, 0


_progress: dict[str, Progress] = {}


def apply() -> None:
    """Wrap the stream poller. Raises AttributeError if one of its parts does not exist."""
    poll, execute = lambda_svc._poll_dynamodb_streams, lambda_svc._execute_function
    put_aside = lambda_svc._send_ddb_stream_failure_record

    def deliver_batch(function: Any, event: dict[str, Any]) -> Result:
        records: Records = event["Records"]
        mapping = mapping_of(function, records[0]["eventSourceARN"])
        if mapping is None:
            return execute(function, event)  # type: ignore[no-any-return]

        def send(part: Records) -> Result:
            return execute(function, {"Records": part})  # type: ignore[no-any-return]

        def give_up(part: Records, result: Result) -> None:
            source = part[0]["eventSourceARN"]
            put_aside(mapping, function, part, source, result, "RetryAttemptsExhausted")

        progress = _progress.setdefault(mapping["UUID"], Progress())
        return deliver(records, mapping, progress, send=send, give_up=give_up)

    def poll_streams() -> Any:
        return with_globals(poll, _execute_function=deliver_batch)()

    lambda_svc._poll_dynamodb_streams = poll_streams


def mapping_of(function: Any, source: str) -> dict[str, Any] | None:
    """The event source mapping between a function's record and a stream."""
    name = (function.get("config") or function).get("FunctionName")
    for _account, _region, mapping in lambda_svc._iter_all_esms():
        if mapping.get("EventSourceArn") == source and mapping.get("FunctionName") == name:
            found: dict[str, Any] = mapping
            return found
    return None


def deliver(
    records: Records,
    mapping: dict[str, Any],
    progress: Progress,
    *,
    send: Callable[[Records], Result],
    give_up: Callable[[Records, Result], None],
) -> Result:
    """Send the rest of a batch. With "error" in the answer the poller returns soon."""
    bisect = bool(mapping.get("BisectBatchOnFunctionError"))
    retries = int(mapping.get("MaximumRetryAttempts", -1))
    reports = "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or [])
    left = [record for record in records if sequence_of(record) >= progress.resume]
    result: Result = {"body": {}}
    while left:
        progress.move_to(sequence_of(left[0]))
        part = left[: progress.limit or len(left)]
        result = send(part)
        done = 0 if result.get("error") else done_before_failure(part, result, reports)
        left = left[done:]
        if done == len(part):
            progress.limit = 0
            continue
        progress.move_to(sequence_of(left[0]))
        part = part[done:]
        if bisect and len(part) > 1:
            # A split does not count as a retry.
            progress.limit = (len(part) + 1) // 2
            continue
        progress.attempts += 1
        if 0 <= retries < progress.attempts:
            give_up(part, result)
            left = left[len(part) :]
            progress.limit = 0
            continue
        return {**result, "error": True}
    progress.resume, progress.limit, progress.attempts = "", 0, 0
    return {**result, "error": None}


def done_before_failure(part: Records, result: Result, reports: bool) -> int:
    """The number of processed records of the part: all before the first reported failure."""
    body = result.get("body")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            body = None
    failures = body.get("batchItemFailures") if reports and isinstance(body, dict) else None
    if not failures:
        return len(part)
    failed = {str(failure.get("itemIdentifier", "")) for failure in failures}
    numbers = [sequence_of(record) for record in part]
    # An unknown identifier means that the whole batch has failed.
    return min((numbers.index(number) if number in numbers else 0 for number in failed), default=0)


def sequence_of(record: dict[str, Any]) -> str:
    """MiniStack writes sequence numbers with thirty digits, so they sort as text."""
    return str(record["dynamodb"]["SequenceNumber"])
