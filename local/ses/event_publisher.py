"""Publishes every event to the topics of the mail's configuration set."""

import json
import logging
import queue
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local.ses import events
from local.ses.events import MATCHING_TYPES, Event
from local.ses.identities import Identities
from local.ses.mail import Mail
from local.ses.outcomes import Outcomes, report
from local.ses.store import HistoryEntry, Mailbox

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


logger = logging.getLogger(__name__)

WORKERS = 4
SUBJECT = "Amazon SES Email Event Notification"

Job = Callable[[], None]


class EventPublisher:
    """Decides each mail's outcome and publishes its events. One mail's events keep their order."""

    def __init__(
        self,
        identities: Identities,
        mailbox: Mailbox,
        outcomes: Outcomes,
        now: Callable[[], datetime],
        sns: "SNSClient",
    ) -> None:
        self._identities = identities
        self._mailbox = mailbox
        self._outcomes = outcomes
        self._now = now
        self._sns = sns
        self._queues: list[queue.SimpleQueue[Job | None]] = [
            queue.SimpleQueue() for _ in range(WORKERS)
        ]
        self._threads = [
            threading.Thread(target=work, args=(jobs,), name=f"ses-publisher-{number}", daemon=True)
            for number, jobs in enumerate(self._queues)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is queued and end the threads."""
        for jobs in self._queues:
            jobs.put(None)
        for thread in self._threads:
            thread.join(timeout=5)

    def settle(self) -> None:
        """Wait until everything that was queued before is published."""
        waiting = [threading.Event() for _ in self._queues]
        for jobs, done in zip(self._queues, waiting, strict=True):
            jobs.put(done.set)
        for done in waiting:
            done.wait(timeout=30)

    def publish_outcome(self, mail: Mail) -> None:
        """Publish `Send`, then the outcome for each recipient; returns at once."""
        self._submit(mail, lambda: self._deliver(mail))

    def publish(self, mail: Mail, event: Event, detail: str = "") -> None:
        """Publish one event and wait until it is published; for what a person does in the inbox."""
        self._submit(mail, lambda: self._publish(mail, event, detail)).result(timeout=30)

    def _submit(self, mail: Mail, job: Job) -> "Future[None]":
        done: Future[None] = Future()

        def run() -> None:
            try:
                job()
            except Exception as error:
                logger.exception("an event of mail %s could not be published", mail.id)
                self._mailbox.add_problem(f"An event could not be published: {error}")
                done.set_exception(error)
            else:
                done.set_result(None)

        self._queues[zlib.crc32(mail.id.encode()) % WORKERS].put(run)
        return done

    def _deliver(self, mail: Mail) -> None:
        self._publish(mail, events.send(mail))
        for recipient in mail.recipients:
            outcome = self._outcomes.of(recipient)
            for event in report(outcome, mail, recipient, self._now()):
                self._publish(mail, event)

    def _publish(self, mail: Mail, event: Event, detail: str = "") -> None:
        kind = str(event["eventType"])
        self._mailbox.note(mail.id, HistoryEntry(kind, self._now(), detail))
        if not mail.configuration_set:
            return
        found = self._identities.configuration_set(mail.configuration_set)
        if found is None or not found.destinations:
            self._mailbox.add_problem(
                f"The configuration set {mail.configuration_set} reports to no SNS topic, so the "
                f"stack learns nothing of its mail: see MailEvents in template.yaml."
            )
            return
        for destination in found.destinations:
            if MATCHING_TYPES[kind] not in destination.events:
                continue
            try:
                self._sns.publish(
                    TopicArn=destination.topic, Message=json.dumps(event), Subject=SUBJECT
                )
            except (BotoCoreError, ClientError) as error:
                self._mailbox.add_problem(
                    f"{kind} could not be published to {destination.topic}: {error}"
                )


def work(jobs: "queue.SimpleQueue[Job | None]") -> None:
    """Run jobs until `stop`."""
    while (job := jobs.get()) is not None:
        job()
