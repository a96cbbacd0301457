"""The environment of the product: memory, a virtual clock, and what AWS does between the functions.

The services are the real ones, and the state machines run as published. The stream delivers a
contact's records in order, and again after a failure; Step Functions retries; the queue of delivery
events delivers repeatedly; the scheduler runs every minute.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import times
from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.enrollments.condition_data import ContextLoader
from milepost.pages.unsubscribe import Unsubscriber
from milepost.publishing.publish import Publisher
from milepost.publishing.workflows import WorkflowPublisher
from milepost.runtime.backfill import BackfillPartition, BackfillScheduler, BackfillWorker
from milepost.runtime.dead_letters import DeadLetterHandler
from milepost.runtime.execution_starter import ExecutionStarter
from milepost.runtime.nightly_counts import NightlyCounts
from milepost.runtime.react import AppliedEvent, EventApplier
from milepost.runtime.reevaluation import Reevaluator
from milepost.runtime.rollout import VersionRollout
from milepost.runtime.run_block import BlockRunner
from milepost.runtime.scheduler import SchedulerResult, run_due
from milepost.runtime.steps.tools import StepTools
from milepost.segments.evaluator import SegmentEvaluator
from milepost.sending.counts import StepCounts, WorkflowCounts, tell_unbalanced
from milepost.sending.feedback import FeedbackRecorder, MarketingHealth
from milepost.sending.message import Accepted, OutgoingEmail
from milepost.sending.rate_limit import SendRateLimiter
from milepost.sending.run_counter import RunCounter
from milepost.sending.send import MailSender
from milepost.sending.ses_events import SesEvent, from_queue
from milepost.simulator.functions import WIRING, TaskFunctions
from milepost.simulator.interpreter import Execution, Function, Json, StateMachineInterpreter
from milepost.simulator.memory.attachments import MemoryAttachments
from milepost.simulator.memory.contacts import MemoryContacts
from milepost.simulator.memory.enrollments import MemoryEnrollments
from milepost.simulator.memory.files import MemoryFiles
from milepost.simulator.memory.ledger import MemoryLedger
from milepost.simulator.memory.mailer import MemoryMailer, MemoryMessageRetrier
from milepost.simulator.memory.members import MemoryMembers
from milepost.simulator.memory.merging import MemoryMerging
from milepost.simulator.memory.outbound import MemoryAlerts, MemoryOutbound
from milepost.simulator.memory.published import (
    MemoryJobs,
    MemoryPublished,
    MemoryPublishedWriter,
    MemoryStore,
)
from milepost.simulator.memory.secrets import MemorySecrets
from milepost.simulator.memory.state import ContactsTable, StreamRecord
from milepost.simulator.memory.state_machines import MemoryEngine, MemoryStateMachines
from milepost.simulator.memory.timeline import MemoryTimeline
from milepost.simulator.virtual_clock import VirtualClock
from milepost.simulator.workflow_tests import run_publish_tests
from milepost.stores.store_secrets import StoreSecrets
from milepost_tools.operations.redrive import Redriver
from milepost_tools.operations.resume import Resumer
from tests.fakes.backfill import MemoryBackfillProgress
from tests.fakes.counts import MemoryCountJobs, MemoryRuns
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.reputation import MemoryMarketingStops, MemoryReputationCounts
from tests.fakes.send_slots import MemorySendSlots
from tests.fakes.timers import MemoryTimers
from tests.support.builders import MONDAY_NOON, STORE
from tests.support.differential import ComparedPorts
from tests.support.faults import Faults, Killed

if TYPE_CHECKING:
    from milepost.sending.rate_limit import SesQuotas
    from tests.support.ports import Ports


PUBLIC_URL = "https://mail.shop.example"
STREAM_ATTEMPTS = 9
QUEUE_ATTEMPTS = 5
VISIBILITY = timedelta(minutes=1)
MINUTE = timedelta(minutes=1)


class CrashedError(Exception):
    """A function was killed. Step Functions sees an error."""


class Environment:
    """One store. `echo`: how often the stream and the queue deliver everything.

    `published` is another environment whose publications this one starts with. With `twin`, all
    contact data is also stored there, and every answer compared. Waits longer than `suspend_after`
    are suspended; the scheduler looks for them every `tick`. With `quotas`, sending obeys its
    limits.
    """

    def __init__(
        self,
        *,
        start: datetime = MONDAY_NOON,
        faults: Faults | None = None,
        echo: int = 1,
        published: "Environment | None" = None,
        post_reports: bool = True,
        twin: "Ports | None" = None,
        suspend_after: timedelta = timedelta(days=30),
        tick: timedelta = MINUTE,
        most: int = 1000,
        quotas: "SesQuotas | None" = None,
    ) -> None:
        self.clock = VirtualClock(start)
        self.clock.after_each = self.pass_on
        self.faults = faults or Faults()
        self.echo = echo
        self.post_reports = post_reports
        self.twin = twin
        self.quotas = quotas
        self.suspend_after, self.tick, self.most = suspend_after, tick, most
        self.state = ContactsTable()
        self.shelf: MemoryStore = _copy(published.shelf) if published else MemoryStore()
        texts = dict(published.files.texts) if published else {}
        self.files: MemoryFiles = MemoryFiles(texts)
        versions = dict(published.machines.versions) if published else {}
        self.machines: MemoryStateMachines = MemoryStateMachines(versions)
        self.mailer = MemoryMailer()
        self.attachments = MemoryAttachments()
        self.reactions: list[AppliedEvent] = []
        self.scheduler_results: list[SchedulerResult] = []
        self.posted: list[tuple[datetime, OutgoingEmail]] = []
        self.undelivered: list[str] = []
        self._progress = MemoryBackfillProgress()
        self._count_jobs = MemoryCountJobs()
        self.counted: list[tuple[datetime, str, WorkflowCounts]] = []
        self.unbalanced: list[tuple[str, StepCounts]] = []
        self.looks: list[str] = []
        self._queues: dict[tuple[str, str], deque[StreamRecord]] = {}
        self._history: dict[tuple[str, str], list[StreamRecord]] = {}
        self._streamed = self._posted = 0
        self._minute_planned = False
        self._looks: set[datetime] = set()
        self._looked: datetime | None = None
        self._wire()

    def _wire_counts(self) -> None:
        """No kill happens here: tests/runtime/test_nightly_counts.py kills the nightly count."""
        self.count_jobs = self.kept(self._count_jobs, "count_jobs")
        self.counter = RunCounter(MemoryRuns(self.state), MemoryPublished(self.shelf))
        self.nightly_counts = NightlyCounts(
            self.count_jobs, self.counter, lambda: self.now, lambda: 0.0
        )

    def _wire(self) -> None:
        """The composition root of the tests, as `milepost.wiring` is for AWS."""
        around = self.faults.around
        contacts = around(self.kept(MemoryContacts(self.state), "contacts"), "contacts")
        enrollments = around(self.kept(MemoryEnrollments(self.state), "enrollments"), "enrollments")
        ledger = around(self.kept(MemoryLedger(self.state), "ledger"), "ledger")
        registry = around(MemoryPublished(self.shelf), "registry")
        self.keys = {STORE: StoreSecrets(links=("link-key",), webhooks=("webhook-key",))}
        secrets = around(MemorySecrets(self.keys), "secrets")
        self.timeline = around(self.kept(MemoryTimeline(self.state), "timeline"), "timeline")
        self.timers = self.kept(MemoryTimers(self.state), "timers")
        self.publications = MemoryPublishedWriter(self.shelf)
        self.functions: dict[str, Function] = {
            WIRING.run_steps: self._run_steps,
            WIRING.await_event: self._await_event,
        }
        self.step_functions = StateMachineInterpreter(
            self.clock,
            self.machines.versions,
            self.functions,
            jitter=Random(0).random,
            on_failure=self._execution_failed,
        )
        engine = around(MemoryEngine(self.step_functions), "engine")
        facts = ContextLoader(self.timeline, ledger)
        self.contacts, self.enrollments = contacts, enrollments
        self.registry, self.engine = registry, engine
        merging = around(self.kept(MemoryMerging(self.state), "merging"), "merging")
        self.members = around(self.kept(MemoryMembers(self.state), "members"), "members")
        self.segmenter = SegmentEvaluator(self.timeline, registry, self.members)
        self.event_applier = EventApplier(
            contacts, enrollments, registry, engine, facts, merging, self.segmenter
        )
        self.letters = MemoryDeadLetters(self.state)
        self.dead_letter_handler = DeadLetterHandler(contacts, lambda: self.letters)
        self.redriver = Redriver(contacts, self.letters)
        sender = MailSender(
            registry=registry,
            ledger=ledger,
            mailer=around(self.mailer, "mailer"),
            secrets=secrets,
            facts=facts,
            attachments=around(self.attachments, "attachments"),
            public_url=PUBLIC_URL,
            now=lambda: self.now,
            pace=self._pace(),
        )
        self.outbound, self.alerts = MemoryOutbound(), MemoryAlerts()
        outbound, alerts = around(self.outbound, "outbound"), around(self.alerts, "alerts")
        tools = StepTools(
            sender,
            facts,
            self.timeline,
            lambda: outbound,
            lambda: alerts,
            secrets,
            lambda: self.now,
        )
        self._wire_counts()
        self.runner = BlockRunner(
            enrollments,
            registry,
            tools,
            lambda: self.now,
            lambda: engine,
            self.count_jobs.mark_moved,
        )
        self.tasks = TaskFunctions(self.runner, enrollments, registry, engine, lambda: self.now)
        self.execution_starter = ExecutionStarter(enrollments, registry, engine, lambda: self.now)
        self.reevaluator = Reevaluator(contacts, self.timeline, registry, lambda: self.now)
        self.works = MemoryJobs(self.shelf)
        works = around(self.works, "works")
        self.rollout = VersionRollout(
            enrollments,
            registry,
            engine,
            self.timers,
            works,
            ledger,
            lambda: self.now,
            most=self.most,
        )
        self.progress = around(self.kept(self._progress, "progress"), "progress")
        self.backfill_scheduler = BackfillScheduler(
            works, registry, self.members, self.progress, Starter(self), lambda: self.now
        )
        self.backfill_worker = BackfillWorker(
            contacts,
            self.timeline,
            registry,
            self.members,
            self.segmenter,
            self.progress,
            lambda: self.now,
            most=self.most,
        )
        breakers = MemoryMarketingStops(self.shelf)
        self.tallies = self.kept(MemoryReputationCounts(self.state), "tallies")
        self.reputation = MarketingHealth(
            around(self.tallies, "tallies"),
            around(breakers, "breakers"),
            lambda: alerts,
            lambda: self.now,
        )
        self.feedback_recorder = FeedbackRecorder(
            contacts,
            ledger,
            self.timeline,
            lambda store: registry.head(store).settings,
            self.reputation,
        )
        self.resumer = Resumer(self.publications, breakers, lambda: self.now)
        self.unsubscriber = Unsubscriber(contacts, registry, secrets)
        self.retrier = MemoryMessageRetrier(self.runner.retry_message)
        workflows = WorkflowPublisher(
            files=self.files,
            publications=self.publications,
            machines=self.machines,
            wiring=replace(WIRING, suspend_after=self.suspend_after),
            trials=run_publish_tests,
        )
        self.publisher = Publisher(self.files, self.publications, workflows, lambda: self.now)

    def _pace(self) -> SendRateLimiter | None:
        quotas, tokens = self.quotas, self.faults.around(MemorySendSlots(), "tokens")
        self.slept: list[float] = []
        return (
            SendRateLimiter(tokens, lambda: quotas, lambda: self.now, self.slept.append)
            if quotas
            else None
        )

    def kept(self, port: Any, name: str) -> Any:
        return ComparedPorts(port, getattr(self.twin, name)) if self.twin else port

    # --- time ---

    @property
    def now(self) -> datetime:
        return self.clock.now

    def run_until(self, end: datetime) -> None:
        self.pass_on()
        self.clock.run_until(end)
        assert not self.undelivered, self.undelivered
        assert not self.unbalanced, self.unbalanced

    def run_for(self, **duration: float) -> None:
        self.run_until(self.now + timedelta(**duration))

    def later(self, action: Callable[[], object], **delay: float) -> None:
        """Run an action after a delay."""
        self.clock.after(timedelta(**delay), lambda: (action(), None)[1])

    # --- the functions, as the handlers run them ---

    def _run_steps(self, task: Json) -> Json:
        with self._crashing(), self.faults.within("run_steps", lambda: self._run_steps(task)):
            answer = self.tasks.run_steps(task)
            self.faults.call("the answer", lambda: None)  # a function may also be killed here
        return answer

    def _await_event(self, task: Json) -> None:
        with self._crashing(), self.faults.within("await_event", lambda: self._await_event(task)):
            self.tasks.await_event(task)

    @contextmanager
    def _crashing(self) -> Iterator[None]:
        """Turn a kill into a failure that the function's caller sees."""
        try:
            yield
        except Killed as killed:
            raise CrashedError(str(killed)) from killed

    def _execution_failed(self, execution: Execution) -> None:
        self.tasks.execution_failed(execution)

    # --- the stream, the queue and the scheduler ---

    def pass_on(self) -> None:
        """Deliver everything that follows from what has happened."""
        for record in self.state.stream[self._streamed :]:
            queue = self._queues.setdefault((record.event.store, record.contact), deque())
            queue.append(record)
            if len(queue) == 1:
                self._deliver_later(queue, 1)
        self._streamed = len(self.state.stream)
        for mail, answer in self.mailer.handed[self._posted :]:
            self.posted.append((self.now, mail))
            if isinstance(answer, Accepted) and self.post_reports:
                self.later(partial(self.send_ses_event, mail, "Send", {}), seconds=1)
                self.later(partial(self.send_ses_event, mail, "Delivery", {}), seconds=2)
        self._posted = len(self.mailer.handed)
        if not self._minute_planned and any("timer_due" in m for m in self.state.messages.values()):
            self._minute_planned = True
            self.clock.after(MINUTE, self._scheduler_minute)
        waiting = (timer.due for timer in self.state.timers.values() if not timer.paused)
        looks = (p.next_check.at for p in self.state.profiles.values() if p.next_check is not None)
        counts = (job.due + MINUTE for job in self._count_jobs.jobs.values())
        self._schedule_minute(min((*waiting, *looks, *counts), default=None))
        if any(work.kind != "broadcast" for work in self.shelf.works.values()):
            self._schedule_minute(self.now + MINUTE)

    def _schedule_minute(self, due: datetime | None) -> None:
        """Schedule the minute that finds what is due then; the minutes before find nothing."""
        if due is not None:
            ticks = -((MONDAY_NOON - max(due, self.now)) // self.tick)
            look = MONDAY_NOON + ticks * self.tick
            if look == self._looked:  # what is still due now waits for the next minute
                look += self.tick
            if look not in self._looks:
                self._looks.add(look)
                self.clock.at(look, self._scheduler_minute)

    def _deliver_later(self, queue: deque[StreamRecord], attempt: int, **delay: float) -> None:
        self.clock.after(timedelta(**delay), lambda: self._react(queue, attempt))

    def _react(self, queue: deque[StreamRecord], attempt: int) -> None:
        """Deliver the first record. After a failure it comes again, before all others."""
        record = queue[0]
        history = self._history.setdefault((record.event.store, record.contact), [])
        try:
            for again in [*history[-3:], record] * (self.echo - 1):
                self._react_to(again)
            self._react_to(record)
        except (Exception, Killed) as error:
            if attempt < STREAM_ATTEMPTS:
                self._deliver_later(queue, attempt + 1, seconds=1)
                return
            self.undelivered.append(f"react: {error!r}")
        history.append(queue.popleft())
        if queue:
            self._deliver_later(queue, 1)

    def react_now(self) -> None:
        """Let the stream deliver what was just appended before anything else happens."""
        for queue in self._queues.values():
            for record in queue:
                self._react_to(record)

    def _react_to(self, record: StreamRecord) -> None:
        with self.faults.within("react", lambda: self._react_to(record)):
            event, position = record.event, record.position
            try:
                reaction = self.event_applier.apply(
                    record.contact, event, position, self.now, record.again
                )
            except Exception as error:
                key = f"EVENT#{event.name}#{times.format_instant(event.occurred_at)}#{event.id}"
                self.dead_letter_handler.handle(
                    event.store, record.contact, key, position, record, error, self.now
                )
                return
        self.reactions.append(reaction)

    def send_ses_event(self, mail: OutgoingEmail, kind: str, detail: Mapping[str, Any]) -> None:
        """SES's event for the topic, as the queue delivers it."""
        at = times.format_instant(self.now)
        handed_over = [when for when, posted in self.posted if posted.ref == mail.ref]
        taken = times.format_instant(handed_over[-1] if handed_over else self.now)
        tags = {name: [value] for name, value in mail.tags.items()}
        event = {
            "eventType": kind,
            "mail": {"timestamp": taken, "destination": [mail.to], "tags": tags},
            kind[0].lower() + kind[1:]: {"timestamp": at, **detail},
        }
        body = json.dumps({"Type": "Notification", "Message": json.dumps(event)})
        for _ in range(self.echo):
            self.clock.after(timedelta(0), lambda: self._learn(body, 1))

    def _learn(self, body: str, attempt: int) -> None:
        found = from_queue(body)
        assert found is not None
        try:
            self._learn_from(found)
        except (Exception, Killed) as error:
            if attempt == QUEUE_ATTEMPTS:
                self.undelivered.append(f"learn: {error!r}")
            else:
                self.clock.after(VISIBILITY, lambda: self._learn(body, attempt + 1))

    def _learn_from(self, found: SesEvent) -> None:
        with self.faults.within("learn", lambda: self._learn_from(found)):
            self.feedback_recorder.record(found.store, found.message, found.report)
            self.reputation.flush()

    def look(self, run: str, order: Mapping[str, Any]) -> None:
        """What the backfill state machine does."""
        if run in self.looks:
            return
        self.looks.append(run)
        slices = [BackfillPartition(**item) for item in order["items"]]
        for each in slices:
            self.clock.after(timedelta(seconds=1), partial(self._look_on, order["request"], each))

    def _look_on(self, order: Mapping[str, Any], place: BackfillPartition) -> None:
        try:
            with self.faults.within("looks", lambda: self._look_on(order, place)):
                done = self.backfill_worker.part(order, place)
        except (ThrottledError, Killed):
            done = False
        if not done:
            self.clock.after(timedelta(seconds=2), partial(self._look_on, order, place))

    def _scheduler_minute(self) -> None:
        self._minute_planned = False
        self._looks.discard(self.now)
        self._looked = self.now
        try:
            with self.faults.within("trigger_date", self._scheduler_minute):
                done = self._run_due_work()
        except (ThrottledError, Killed):
            self._schedule_minute(self.now + MINUTE)
            return
        if done.begun == self.most:
            self._schedule_minute(self.now + MINUTE)

    def _run_due_work(self) -> SchedulerResult:
        """What `trigger_date` does."""
        errors, done = ErrorCollector(), SchedulerResult()
        with errors:
            self.rollout.advance(errors)
        with errors:
            self.backfill_scheduler.begin(errors)
        with errors:
            timers, starter, reevaluator = self.timers, self.execution_starter, self.reevaluator
            done = run_due(timers, self.retrier, starter, reevaluator, self.now, errors, self.most)
        with errors:
            self.nightly_counts.go_on(errors, 1.0, self._record_counts)
        if done != SchedulerResult():
            self.scheduler_results.append(done)
        errors.raise_if_any("things that are due")
        return done

    def _record_counts(self, store: str, workflow: str, numbers: WorkflowCounts) -> None:
        self.counted.append((self.now, workflow, numbers))
        tell_unbalanced(numbers, lambda step, held: self.unbalanced.append((step, held)))


class Starter(NamedTuple):
    """Implements `BackfillStarter`."""

    around: Environment

    def look(self, run: str, order: Mapping[str, Any]) -> None:
        self.around.look(run, order)


def _copy(shelf: MemoryStore) -> MemoryStore:
    return replace(
        shelf,
        heads=dict(shelf.heads),
        programs=dict(shelf.programs),
        resumes=dict(shelf.resumes),
        segments=dict(shelf.segments),
        works=dict(shelf.works),
        templates=dict(shelf.templates),
        refused={store: set(paths) for store, paths in shelf.refused.items()},
    )
