"""One store and one contact in memory: the real services, and what AWS does between them.

This is the composition root of the simulator, as `wiring` is that of the functions. Mail is
accepted and delivered at once, and nothing is delayed. The simulator shows what a workflow does,
not what a network does.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from milepost.api import event_body
from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.contacts.event import contact_id
from milepost.contacts.fields import Change
from milepost.contacts.timeline import append
from milepost.enrollments.condition_data import ContextLoader
from milepost.pages.unsubscribe import UnsubscribeEvidence, Unsubscriber
from milepost.published.head import Published
from milepost.runtime.execution_starter import ExecutionStarter
from milepost.runtime.react import EventApplier
from milepost.runtime.run_block import BlockRunner
from milepost.runtime.steps.tools import StepTools
from milepost.segments.evaluator import SegmentEvaluator
from milepost.segments.membership import reevaluation_event
from milepost.sending.feedback import FeedbackRecorder
from milepost.sending.links import UnsubscribeLink
from milepost.sending.message import DeliveryEvent, OutgoingEmail, Reported
from milepost.sending.send import MailSender
from milepost.simulator.functions import WIRING, TaskFunctions
from milepost.simulator.interpreter import Execution, Json, StateMachineInterpreter
from milepost.simulator.memory.attachments import MemoryAttachments, placeholder_file
from milepost.simulator.memory.contacts import MemoryContacts
from milepost.simulator.memory.enrollments import MemoryEnrollments
from milepost.simulator.memory.ledger import MemoryLedger
from milepost.simulator.memory.mailer import MemoryMailer
from milepost.simulator.memory.members import MemoryMembers
from milepost.simulator.memory.merging import MemoryMerging
from milepost.simulator.memory.outbound import MemoryAlerts, MemoryOutbound
from milepost.simulator.memory.secrets import MemorySecrets
from milepost.simulator.memory.state import ContactsTable, StreamRecord
from milepost.simulator.memory.state_machines import Definition, MemoryEngine
from milepost.simulator.memory.timeline import MemoryTimeline
from milepost.simulator.recorder import SimulationRecorder
from milepost.simulator.trace import Trace, TracedEnrollments, TracedRegistry
from milepost.simulator.virtual_clock import VirtualClock
from milepost.stores.store_secrets import StoreSecrets

PUBLIC_URL = "https://links.example"
_SECOND = timedelta(seconds=1)
_JITTER = 0.5
"""The part of the longest interval that a retry waits: the average of random jitter."""


class Deployment(NamedTuple):
    """What is live in a store, and its state machines by the ARNs of their versions.

    The state machines are compiled with `WIRING` (`functions.py`).
    """

    registry: Published
    definitions: Mapping[str, Definition]


class World:
    """A deployed store. Everything happens on `clock`.

    Random choices depend on the contact's id, so another `seed` means another contact. The clock
    stops after `most` actions.
    """

    def __init__(
        self, deployment: Deployment, store: str, start: datetime, seed: int, most: int
    ) -> None:
        self.store, self.seed = store, seed
        self.clock = VirtualClock(start, most)
        self.clock.after_each = self._schedule_follow_ups
        self.registry = registry = deployment.registry
        self.state = ContactsTable()
        self.mailer = MemoryMailer()
        trace = Trace()
        self.recorder = SimulationRecorder(self.clock, self.state, registry, self.mailer, trace)
        self._streamed = self._posted = 0
        self._scheduled_checks: set[tuple[str, datetime]] = set()
        self._scheduled_resumes: set[datetime] = set()
        contacts, ledger = MemoryContacts(self.state), MemoryLedger(self.state)
        enrollments = MemoryEnrollments(self.state)
        keys = StoreSecrets(links=("simulated",), webhooks=("simulated",))
        secrets = MemorySecrets({store: keys})
        self._timeline = MemoryTimeline(self.state)
        context_loader = ContextLoader(self._timeline, ledger)
        sender = MailSender(
            registry=registry,
            ledger=ledger,
            mailer=self.mailer,
            secrets=secrets,
            facts=context_loader,
            # A simulation does not need the shop's own files.
            attachments=MemoryAttachments(otherwise=placeholder_file),
            public_url=PUBLIC_URL,
            now=self._now,
        )
        outbound, alerts = MemoryOutbound(), MemoryAlerts()
        tools = StepTools(
            sender,
            context_loader,
            self._timeline,
            lambda: outbound,
            lambda: alerts,
            secrets,
            self._now,
        )
        functions = {WIRING.run_steps: self._run_steps, WIRING.await_event: self._await_event}
        interpreter = StateMachineInterpreter(
            self.clock,
            deployment.definitions,
            functions,
            jitter=lambda: _JITTER,
            on_failure=self._execution_failed,
        )
        engine = MemoryEngine(interpreter)
        runner = BlockRunner(
            TracedEnrollments(enrollments, trace),
            TracedRegistry(registry, trace),
            tools,
            self._now,
            lambda: engine,
        )
        self._tasks = TaskFunctions(runner, enrollments, registry, engine, self._now)
        self._execution_starter = ExecutionStarter(enrollments, registry, engine, self._now)
        merging = MemoryMerging(self.state)
        segmenter = SegmentEvaluator(self._timeline, registry, MemoryMembers(self.state))
        self._event_applier = EventApplier(
            contacts, enrollments, registry, engine, context_loader, merging, segmenter
        )
        self._feedback_recorder = FeedbackRecorder(
            contacts, ledger, self._timeline, lambda store: registry.head(store).settings
        )
        self._unsubscriber = Unsubscriber(contacts, registry, secrets)

    def _now(self) -> datetime:
        return self.clock.now

    # --- actions of the shop and the recipient ---

    def event(
        self,
        name: str,
        data: Mapping[str, Any],
        contact: Mapping[str, Any],
        id_: str,
        changes: tuple[Change, ...] = (),
    ) -> None:
        """Post an event as a shop does, with `contact` as in `POST /events`.

        `changes` are other changes of the contact. Raises RefusedEventError for what the endpoint
        would refuse.
        """
        now = times.format_instant(self.clock.now)
        document = {
            "id": id_,
            "event": name,
            "occurred_at": now,
            "contact": dict(contact),
            "properties": dict(data),
        }
        event, _ = event_body.translate(self.store, document, self.clock.now)
        event = replace(event, contact=replace(event.contact, changes=changes))
        if self.seed:
            contact_of_seed = contact_id(self.store, "external_id", str(self.seed))
            for kind, value in event.identifiers.items():
                self.state.identities.setdefault((self.store, kind, value), contact_of_seed)
        append(self._timeline, [event])

    def mail_of(self, step: str) -> OutgoingEmail | None:
        """The latest e-mail that a step sent, or None."""
        mails = (mail for mail in reversed(self.mailer.mails) if mail.tags["step"] == step)
        return next(mails, None)

    def report(self, mail: OutgoingEmail, kind: Reported, link: str = "") -> None:
        """Record a delivery event of an e-mail. A bounce is a hard bounce."""
        bounced = kind == "bounced"
        self._feedback_recorder.record(
            self.store,
            mail.ref.id,
            DeliveryEvent(
                kind=kind,
                at=self.clock.now,
                link=link,
                detail="Permanent General" if bounced else "",
                permanent=bounced,
            ),
        )

    def unsubscribe(self, mail: OutgoingEmail) -> None:
        """Follow the unsubscribe link: for the e-mail's topic, or without a link for all topics."""
        token = mail.headers.get("List-Unsubscribe", "").strip("<>").rpartition("/")[2]
        page = self._unsubscriber.open(self.store, token)
        claim = (
            page.claim if page else UnsubscribeLink(self.store, mail.ref.contact, "", mail.ref.id)
        )
        self._unsubscriber.unsubscribe(claim, "topic", UnsubscribeEvidence("page"), self.clock.now)

    # --- task functions ---

    def _run_steps(self, task: Json) -> Json:
        ref, block_seq = EnrollmentRef.from_json(task["enrollment"]), task["block_seq"]
        if "abandon" in task:
            # A stack stores only the name of the error, because its text can contain personal data.
            error = "{Error}: {Cause}".format_map(task["abandon"])
            done = self._tasks.run_steps({**task, "abandon": {"Error": error}})
            self.recorder.block_ran(ref, block_seq, done)
            return done
        self.recorder.block_starts(ref, block_seq, task["execution_no"])
        try:
            done = self._tasks.run_steps(task)
        except Exception:
            self.recorder.block_failed(ref, block_seq)
            raise
        self.recorder.block_ran(ref, block_seq, done)
        return done

    def _await_event(self, task: Json) -> None:
        self._tasks.await_event(task)

    def _execution_failed(self, execution: Execution) -> None:
        self._tasks.execution_failed(execution)
        self.recorder.execution_failed(
            EnrollmentRef.from_json(execution.started_with["enrollment"])
        )

    # --- stream, delivery events and timers ---

    def _schedule_follow_ups(self) -> None:
        """Schedule what follows from an action: stream records, delivery events and timers."""
        for record in self.state.stream[self._streamed :]:
            self.clock.after(timedelta(0), partial(self._react, record))
        self._streamed = len(self.state.stream)
        for mail, _ in self.mailer.handed[self._posted :]:
            self.clock.after(_SECOND, partial(self.report, mail, "sent"))
            self.clock.after(2 * _SECOND, partial(self.report, mail, "delivered"))
        self._posted = len(self.mailer.handed)
        self._schedule_resumes()
        self._schedule_checks()

    def _schedule_resumes(self) -> None:
        """Schedule the start of suspended enrollments, which the scheduler does in a stack."""
        for timer in self.state.timers.values():
            if not timer.paused and timer.due not in self._scheduled_resumes:
                self._scheduled_resumes.add(timer.due)
                self.clock.at(timer.due, self._resume)

    def _resume(self) -> None:
        now = self.clock.now
        self._scheduled_resumes.discard(now)
        timers = self.state.timers.items()
        due = [key for key, timer in timers if timer.due <= now and not timer.paused]
        for store, contact, workflow, id_ in due:
            self._execution_starter.start(EnrollmentRef(store, contact, workflow, 0, id_))

    def _schedule_checks(self) -> None:
        """Schedule the re-evaluation of contacts at their next segment change.

        This is done only before another scheduled action; otherwise a case would never end.
        """
        for (_, contact), profile in self.state.profiles.items():
            at = min(profile.segment_state.next_changes.values(), default=None)
            if (
                at is not None
                and (contact, at) not in self._scheduled_checks
                and self.clock.goes_beyond(at)
            ):
                self._scheduled_checks.add((contact, at))
                event = reevaluation_event(self.store, at)
                self.clock.at(at, partial(self._timeline.append, contact, event))

    def _react(self, record: StreamRecord) -> None:
        reaction = self._event_applier.apply(
            record.contact, record.event, record.position, self.clock.now, record.again
        )
        self.recorder.reacted(record.event, reaction)
