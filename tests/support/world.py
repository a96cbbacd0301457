"""The whole product in one process on a clock that jumps, with the post and the shop around it.

The services are the real ones, the state machines run as they are published, and what AWS does
around them is done here: the stream hands over the records of a contact in order and again after
a failure, Step Functions retries, the queue of the post's reports hands over twice.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from milepost.adapters.memory.contacts import MemoryContacts
from milepost.adapters.memory.enrollments import MemoryEnrollments
from milepost.adapters.memory.files import MemoryFiles
from milepost.adapters.memory.ledger import MemoryLedger
from milepost.adapters.memory.machines import MemoryEngine, MemoryMachines
from milepost.adapters.memory.post import MemoryMailer, MemoryResender
from milepost.adapters.memory.registry import MemoryPublications, MemoryRegistry, Shelf
from milepost.adapters.memory.secrets import MemorySecrets
from milepost.adapters.memory.state import Record, State
from milepost.adapters.memory.timeline import MemoryTimeline
from milepost.adapters.memory.timers import MemoryTimers
from milepost.adapters.ses_events import SesReport, from_queue
from milepost.adapters.shops import generic, shopify
from milepost.domain import instants
from milepost.domain.contacts import Profile
from milepost.domain.enrollments import Enrollment
from milepost.domain.events import Event
from milepost.domain.machine import Wiring
from milepost.domain.messages import Accepted, Mail, address_hash
from milepost.domain.numbers import WorkflowNumbers, add_up
from milepost.domain.program import Program
from milepost.domain.refs import EnrollmentRef
from milepost.domain.report import Report
from milepost.ports import StoreSecrets
from milepost.services.append import append, date_event
from milepost.services.facts import FactFinder
from milepost.services.learn import Learner
from milepost.services.publish import Publisher
from milepost.services.react import Reaction, Reactor
from milepost.services.reconcile import Reconciled, reconcile
from milepost.services.run import Runner
from milepost.services.send import Sender
from milepost.services.unsubscribe import Proof, Unsubscriber
from milepost.services.wait import park
from tests.support import asl
from tests.support.agenda import Agenda
from tests.support.asl import Execution, Function, StepFunctions
from tests.support.builders import ADA, MONDAY_NOON, STORE, Content, text
from tests.support.events import Sample
from tests.support.faults import Faults, Killed
from tests.support.twins import Twins

if TYPE_CHECKING:
    from tests.support.ports import Ports

PUBLIC_URL = "https://mail.shop.example"
STREAM_ATTEMPTS = 9
QUEUE_ATTEMPTS = 5
VISIBILITY = timedelta(minutes=1)
MINUTE = timedelta(minutes=1)


class World:
    """One store's world. `echo`: how often the stream and the queue hand everything over.

    `published` is another world whose publications this one starts with. With `twin`, all that is
    kept of contacts is kept there too, and every answer compared.
    """

    def __init__(
        self,
        *,
        start: datetime = MONDAY_NOON,
        faults: Faults | None = None,
        echo: int = 1,
        published: "World | None" = None,
        post_reports: bool = True,
        twin: "Ports | None" = None,
    ) -> None:
        self.agenda = Agenda(start)
        self.agenda.after_each = self._pass_on
        self.faults = faults or Faults()
        self.echo = echo
        self.post_reports = post_reports
        self.twin = twin
        self.state = State()
        self.shelf: Shelf = _copy(published.shelf) if published else Shelf()
        texts = dict(published.files.texts) if published else {}
        self.files: MemoryFiles = MemoryFiles(texts)
        versions = dict(published.machines.versions) if published else {}
        self.machines: MemoryMachines = MemoryMachines(versions)
        self.mailer = MemoryMailer()
        self.reactions: list[Reaction] = []
        self.reconciled: list[Reconciled] = []
        self.posted: list[tuple[datetime, Mail]] = []
        self.undelivered: list[str] = []
        self._queues: dict[tuple[str, str], deque[Record]] = {}
        self._history: dict[tuple[str, str], list[Record]] = {}
        self._streamed = self._posted = 0
        self._reconciling = False
        self._wire()

    def _wire(self) -> None:
        """The composition root, as `bootstrap` is for AWS."""
        around = self.faults.around
        contacts = around(self._kept(MemoryContacts(self.state), "contacts"), "contacts")
        enrollments = around(
            self._kept(MemoryEnrollments(self.state), "enrollments"), "enrollments"
        )
        ledger = around(self._kept(MemoryLedger(self.state), "ledger"), "ledger")
        registry = around(MemoryRegistry(self.shelf), "registry")
        secrets = around(MemorySecrets({STORE: StoreSecrets(links=("link-key",))}), "secrets")
        self.timeline = around(self._kept(MemoryTimeline(self.state), "timeline"), "timeline")
        self.timers = self._kept(MemoryTimers(self.state), "timers")
        self.publications = MemoryPublications(self.shelf)
        self.functions: dict[str, Function] = {
            "run_steps": self._run_steps,
            "await_event": self._await_event,
        }
        self.step_functions = StepFunctions(self.agenda, self.machines.versions, self.functions)
        engine = around(MemoryEngine(self.step_functions), "engine")
        facts = FactFinder(self.timeline, ledger)
        self.contacts, self.enrollments = contacts, enrollments
        self.registry, self.engine = registry, engine
        self.reactor = Reactor(contacts, enrollments, registry, engine, facts)
        sender = Sender(
            registry=registry,
            ledger=ledger,
            mailer=around(self.mailer, "mailer"),
            secrets=secrets,
            facts=facts,
            public_url=PUBLIC_URL,
            now=lambda: self.now,
        )
        self.runner = Runner(enrollments, registry, sender, facts, lambda: self.now)
        self.learner = Learner(contacts, ledger, self.timeline)
        self.unsubscriber = Unsubscriber(contacts, registry, secrets)
        self.resender = MemoryResender(self.runner.send_again)
        self.publisher = Publisher(
            files=self.files,
            publications=self.publications,
            machines=self.machines,
            wiring=Wiring("run_steps", "await_event"),
            now=lambda: self.now,
        )

    def _kept(self, port: Any, name: str) -> Any:
        return Twins(port, getattr(self.twin, name)) if self.twin else port

    # --- time ---

    @property
    def now(self) -> datetime:
        return self.agenda.now

    def run_until(self, end: datetime) -> None:
        self._pass_on()
        self.agenda.run_until(end)
        assert not self.undelivered, self.undelivered

    def run_for(self, **duration: float) -> None:
        self.run_until(self.now + timedelta(**duration))

    def later(self, action: Callable[[], object], **delay: float) -> None:
        """Have something happen after a delay."""
        self.agenda.after(timedelta(**delay), lambda: (action(), None)[1])

    # --- what the marketers do ---

    def publish(self, files: Mapping[str, Content]) -> list[Report]:
        """Put files into the bucket; every one must be published."""
        for path, content in files.items():
            self.files.write(STORE, path, text(content))
        reports = self.publisher.publish(STORE, list(files))
        last = {report.file: report for report in reports}
        refused = [report for report in last.values() if report.outcome == "refused"]
        assert not refused, refused
        for definition in self.machines.versions.values():
            assert asl.problems(definition) == []
        return reports

    def remove(self, path: str) -> list[Report]:
        self.files.remove(STORE, path)
        return self.publisher.publish(STORE, [path])

    # --- what the shop reports ---

    def event(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        email: str | None = ADA,
        at: datetime | None = None,
        id_: str | None = None,
        **contact: Any,
    ) -> str:
        """Post one event to the API, `contact` being what it says of the contact.

        Answers "accepted" or "duplicate".
        """
        document: dict[str, Any] = {
            "event": name,
            "occurred_at": instants.show(at or self.now),
            "contact": {**({"email": email} if email else {}), **contact},
            "properties": dict(data or {}),
        }
        if id_ is not None:
            document["id"] = id_
        event, dated = generic.translate(STORE, document, self.now)
        return self.append(event if dated else date_event(self.timeline, event, self.now))

    def consent(self, topic: str = "offers", email: str = ADA, state: str = "granted") -> None:
        """The contact answers on the shop's page."""
        answer = {"topic": topic, "state": state, "at": instants.show(self.now)}
        self.event("Subscription Changed", email=email, consent=[answer])

    def shopify(self, sample: Sample) -> list[str]:
        """Hand a delivery of Shopify to its translator; what became of each of its events."""
        delivery = shopify.delivery(sample.headers)
        translation = shopify.translate(STORE, delivery.topic, sample.body, self.now, delivery)
        return [self.append(event) for event in translation.events]

    def append(self, event: Event) -> str:
        (kept,) = append(self.timeline, [event])
        self._pass_on()
        return kept

    # --- what readers and their mail servers do ---

    @property
    def mails(self) -> list[Mail]:
        """Every mail that may have reached somebody, in order."""
        return self.mailer.mails

    def steps_mailed(self, email: str = ADA) -> list[str]:
        return [mail.tags["step"] for mail in self.mails if mail.to == email]

    def mailed_at(self, step: str, email: str = ADA) -> datetime:
        """When the one mail of a step was handed to the post."""
        (at,) = (at for at, m in self.posted if m.tags["step"] == step and m.to == email)
        return at

    def last_mail(self, email: str = ADA) -> Mail:
        return [mail for mail in self.mails if mail.to == email][-1]

    def open(self, mail: Mail) -> None:
        self._report(mail, "Open", {})

    def click(self, mail: Mail, link: str = "https://shop.example/cart") -> None:
        self._report(mail, "Click", {"link": link})

    def bounce(self, mail: Mail, permanent: bool = True) -> None:
        kind = "Permanent" if permanent else "Transient"
        recipients = [{"emailAddress": mail.to}]
        self._report(
            mail,
            "Bounce",
            {"bounceType": kind, "bounceSubType": "General", "bouncedRecipients": recipients},
        )

    def complain(self, mail: Mail) -> None:
        recipients = [{"emailAddress": mail.to}]
        self._report(
            mail,
            "Complaint",
            {"complaintFeedbackType": "abuse", "complainedRecipients": recipients},
        )

    def suppress(self, email: str = ADA) -> None:
        """The address turns out to be dead, in a mail of another contact's or another shop's."""
        contacts = self._kept(MemoryContacts(self.state), "contacts")
        contacts.suppress(STORE, address_hash(email), "hard bounce", self.now)

    def unsubscribe(self, mail: Mail) -> None:
        """Press the button that mailbox providers make of `List-Unsubscribe` (RFC 8058)."""
        link = mail.headers["List-Unsubscribe"].strip("<>")
        prefix = f"{PUBLIC_URL}/v1/{STORE}/unsubscribe/"
        assert link.startswith(prefix)
        opened = self.unsubscriber.open(STORE, link.removeprefix(prefix))
        assert opened is not None
        proof = Proof("one-click", ip="192.0.2.1", user_agent="mailbox")
        self.unsubscriber.unsubscribe(opened.claim, "topic", proof, self.now)
        self._pass_on()

    # --- what can be seen ---

    def contact(self, email: str = ADA) -> str:
        (contact,) = MemoryTimeline(self.state).resolve(STORE, [{"email": email}])
        return contact

    def profile(self, email: str = ADA) -> Profile:
        return self.state.profile(STORE, self.contact(email))

    def enrollments_of(self, email: str = ADA) -> list[Enrollment]:
        """All enrollments of a contact, the first to enter first."""
        contact = self.contact(email)
        return [e for e in self.state.enrollments.values() if e.ref.contact == contact]

    def enrollment(self, email: str = ADA) -> Enrollment:
        (only,) = self.enrollments_of(email)
        return only

    def execution(self, enrollment: Enrollment) -> Execution:
        (only,) = (
            e for e in self.step_functions.executions.values() if e.name == enrollment.ref.id
        )
        return only

    def program(self, name: str) -> Program:
        version = self.shelf.head(STORE).workflows[name].version
        return self.shelf.program(STORE, name, version)

    def messages(self, email: str = ADA) -> dict[str, tuple[str, str]]:
        """Status and reason of a contact's messages, by step."""
        contact = self.contact(email)
        return {
            message["step"]: (message["status"], message.get("reason", ""))
            for ref, message in self.state.messages.items()
            if ref.contact == contact
        }

    def numbers(self, workflow: str) -> WorkflowNumbers:
        """What the index of runs would give for a workflow."""
        enrollments: list[dict[str, Any]] = [
            {
                "run_sort": f"ENROLLMENT#{held.status}#{held.ref.id}",
                "status": held.status,
                "reason": held.reason,
            }
            for held in self.state.enrollments.values()
            if held.ref.workflow == workflow
        ]
        messages = [
            {**message, "run_sort": f"MESSAGE#{message['step']}#{ref.id}"}
            for ref, message in self.state.messages.items()
            if message["workflow"] == workflow
        ]
        return add_up([*enrollments, *messages])

    # --- the functions: what the entrypoints do ---

    def _run_steps(self, task: Mapping[str, Any]) -> dict[str, Any]:
        ref = EnrollmentRef.from_json(task["enrollment"])
        now = instants.show(self.now)
        resting = {"next": "end", "since": now, "until": now}
        with self.faults.within("run_steps", lambda: self._run_steps(task)):
            if "give_up" in task:
                self.runner.give_up(ref, task["give_up"].get("Error", "failed"))
            else:
                stop = self.runner.run(ref, task["block"])
                resting = {
                    "next": stop.next,
                    "since": instants.show(stop.since),
                    "until": instants.show(stop.until),
                }
            self.faults.call("the answer", lambda: None)  # a function may also be killed here
        return {"enrollment": ref.to_json(), **resting}

    def _await_event(self, task: Mapping[str, Any]) -> None:
        with self.faults.within("await_event", lambda: self._await_event(task)):
            park(
                self.enrollments,
                self.registry,
                self.engine,
                EnrollmentRef.from_json(task["enrollment"]),
                task["step"],
                task["token"],
                instants.parse(task["since"]),
            )

    # --- the stream, the queue and the minute ---

    def _pass_on(self) -> None:
        """Set in motion what follows from what has happened."""
        for record in self.state.stream[self._streamed :]:
            queue = self._queues.setdefault((record.event.store, record.contact), deque())
            queue.append(record)
            if len(queue) == 1:
                self._hand_over(queue, 1)
        self._streamed = len(self.state.stream)
        for mail, answer in self.mailer.handed[self._posted :]:
            self.posted.append((self.now, mail))
            if isinstance(answer, Accepted) and self.post_reports:
                self.later(partial(self._report, mail, "Send", {}), seconds=1)
                self.later(partial(self._report, mail, "Delivery", {}), seconds=2)
        self._posted = len(self.mailer.handed)
        if not self._reconciling and any("timer_due" in m for m in self.state.messages.values()):
            self._reconciling = True
            self.agenda.after(MINUTE, self._reconcile)

    def _hand_over(self, queue: deque[Record], attempt: int, **delay: float) -> None:
        self.agenda.after(timedelta(**delay), lambda: self._react(queue, attempt))

    def _react(self, queue: deque[Record], attempt: int) -> None:
        """Hand the first record over. After a failure it comes again, and nothing overtakes it."""
        record = queue[0]
        history = self._history.setdefault((record.event.store, record.contact), [])
        try:
            for again in [*history[-3:], record] * (self.echo - 1):
                self._react_to(again)
            self._react_to(record)
        except (Exception, Killed) as error:
            if attempt < STREAM_ATTEMPTS:
                self._hand_over(queue, attempt + 1, seconds=1)
                return
            self.undelivered.append(f"react: {error!r}")
        history.append(queue.popleft())
        if queue:
            self._hand_over(queue, 1)

    def react_now(self) -> None:
        """Let the stream hand over what was just appended before anything else happens."""
        for queue in self._queues.values():
            for record in queue:
                self._react_to(record)

    def _react_to(self, record: Record) -> None:
        with self.faults.within("react", lambda: self._react_to(record)):
            reaction = self.reactor.react(record.contact, record.event, record.position, self.now)
        self.reactions.append(reaction)

    def _report(self, mail: Mail, kind: str, detail: Mapping[str, Any]) -> None:
        """What SES would put on the topic, as the queue hands it over."""
        at = instants.show(self.now)
        tags = {name: [value] for name, value in mail.tags.items()}
        event = {
            "eventType": kind,
            "mail": {"timestamp": at, "destination": [mail.to], "tags": tags},
            kind.lower(): {"timestamp": at, **detail},
        }
        body = json.dumps({"Type": "Notification", "Message": json.dumps(event)})
        for _ in range(self.echo):
            self.agenda.after(timedelta(0), lambda: self._learn(body, 1))

    def _learn(self, body: str, attempt: int) -> None:
        found = from_queue(body)
        assert found is not None
        try:
            self._learn_from(found)
        except (Exception, Killed) as error:
            if attempt == QUEUE_ATTEMPTS:
                self.undelivered.append(f"learn: {error!r}")
            else:
                self.agenda.after(VISIBILITY, lambda: self._learn(body, attempt + 1))

    def _learn_from(self, found: SesReport) -> None:
        with self.faults.within("learn", lambda: self._learn_from(found)):
            self.learner.learn(found.store, found.message, found.report)

    def _reconcile(self) -> None:
        self._reconciling = False
        done = reconcile(self.timers, self.resender, self.now)
        if done != Reconciled():
            self.reconciled.append(done)


def _copy(shelf: Shelf) -> Shelf:
    return replace(
        shelf,
        heads=dict(shelf.heads),
        programs=dict(shelf.programs),
        templates=dict(shelf.templates),
        refused={store: set(paths) for store, paths in shelf.refused.items()},
    )
