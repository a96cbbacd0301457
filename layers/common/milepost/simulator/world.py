"""One store and one contact in memory: the real services, and what happens between them on AWS.

The composition root of the simulator, as `bootstrap` is that of the functions. Mail is accepted
and delivered at once, and nobody is late: what can be learned here is what a workflow does, not
what a network does.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from milepost.api import event_body
from milepost.base import instants
from milepost.contacts.changes import Change
from milepost.contacts.event import contact_id
from milepost.contacts.timeline import append
from milepost.enrollments.condition_data import FactFinder
from milepost.pages.unsubscribe import Proof, Unsubscriber
from milepost.published.head import Registry
from milepost.runtime.react import Reactor
from milepost.runtime.run_block import Runner
from milepost.runtime.steps.actions import Actor
from milepost.runtime.steps.steps import Steps
from milepost.segments.evaluator import Segmenter
from milepost.segments.membership import look_event
from milepost.sending.feedback import Learner
from milepost.sending.link_tokens import Unsubscribe
from milepost.sending.message import Mail, Report, Reported
from milepost.sending.send import Sender
from milepost.simulator.interpreter import BlockEngine
from milepost.simulator.memory.attachments import MemoryAttachments, stand_in
from milepost.simulator.memory.contacts import MemoryContacts
from milepost.simulator.memory.enrollments import MemoryEnrollments
from milepost.simulator.memory.ledger import MemoryLedger
from milepost.simulator.memory.mailer import MemoryMailer
from milepost.simulator.memory.members import MemoryMembers
from milepost.simulator.memory.merging import MemoryMerging
from milepost.simulator.memory.outbound import MemoryAlerts, MemoryOutbound
from milepost.simulator.memory.secrets import MemorySecrets
from milepost.simulator.memory.state import Record, State
from milepost.simulator.memory.timeline import MemoryTimeline
from milepost.simulator.no_suspend import PatientRegistry
from milepost.simulator.recorder import Watcher
from milepost.simulator.trace import Trace, TracedEnrollments, TracedRegistry
from milepost.simulator.virtual_clock import Agenda
from milepost.stores.store_secrets import StoreSecrets

PUBLIC_URL = "https://links.example"
_SECOND = timedelta(seconds=1)


class World:
    """A store that `registry` knows. Everything happens on `agenda`.

    Chance is a function of who it falls to: another `seed` is another contact.
    """

    def __init__(
        self, registry: Registry, store: str, start: datetime, seed: int, most: int
    ) -> None:
        self.store, self.seed = store, seed
        self.agenda = Agenda(start, most)
        self.agenda.after_each = self._pass_on
        registry = PatientRegistry(registry)
        self.registry = registry
        self.state = State()
        self.mailer = MemoryMailer()
        trace = Trace()
        self.watcher = Watcher(self.agenda, self.state, registry, self.mailer, trace)
        self._streamed = self._posted = 0
        self._looks: set[tuple[str, datetime]] = set()
        contacts, ledger = MemoryContacts(self.state), MemoryLedger(self.state)
        enrollments = MemoryEnrollments(self.state)
        keys = StoreSecrets(links=("simulated",), webhooks=("simulated",))
        secrets = MemorySecrets({store: keys})
        self._timeline = MemoryTimeline(self.state)
        facts = FactFinder(self._timeline, ledger)
        sender = Sender(
            registry=registry,
            ledger=ledger,
            mailer=self.mailer,
            secrets=secrets,
            facts=facts,
            # What the shop will have put there: nobody's own file is needed to try a workflow out.
            attachments=MemoryAttachments(otherwise=stand_in),
            public_url=PUBLIC_URL,
            now=self._now,
        )
        outbound, alerts = MemoryOutbound(), MemoryAlerts()
        actor = Actor(self._timeline, lambda: outbound, lambda: alerts, secrets, self._now)
        runner = Runner(
            TracedEnrollments(enrollments, trace),
            TracedRegistry(registry, trace),
            sender,
            Steps(enrollments, sender, actor, facts),
            self._now,
        )
        engine = BlockEngine(self.agenda, registry, enrollments, runner, self.watcher)
        merging = MemoryMerging(self.state)
        segmenter = Segmenter(self._timeline, registry, MemoryMembers(self.state))
        self._reactor = Reactor(contacts, enrollments, registry, engine, facts, merging, segmenter)
        self._learner = Learner(
            contacts, ledger, self._timeline, lambda store: registry.head(store).settings
        )
        self._unsubscriber = Unsubscriber(contacts, registry, secrets)

    def _now(self) -> datetime:
        return self.agenda.now

    # --- what the shop and the reader do, now ---

    def event(
        self,
        name: str,
        data: Mapping[str, Any],
        contact: Mapping[str, Any],
        id_: str,
        changes: tuple[Change, ...] = (),
    ) -> None:
        """Post an event as a shop would, `contact` as in `POST /events`; `changes` are what
        is known of the contact besides.

        Raises RefusedEventError for what the endpoint would refuse.
        """
        now = instants.show(self.agenda.now)
        document = {
            "id": id_,
            "event": name,
            "occurred_at": now,
            "contact": dict(contact),
            "properties": dict(data),
        }
        event, _ = event_body.translate(self.store, document, self.agenda.now)
        event = replace(event, contact=replace(event.contact, changes=changes))
        if self.seed:
            contact_of_seed = contact_id(self.store, "external_id", str(self.seed))
            for kind, value in event.identifiers.items():
                self.state.identities.setdefault((self.store, kind, value), contact_of_seed)
        append(self._timeline, [event])

    def mail_of(self, step: str) -> Mail | None:
        """The last mail of a step that went out."""
        mails = (mail for mail in reversed(self.mailer.mails) if mail.tags["step"] == step)
        return next(mails, None)

    def report(self, mail: Mail, kind: Reported, link: str = "") -> None:
        """What the post reports of a mail; a bounce is one for good."""
        bounced = kind == "bounced"
        self._learner.learn(
            self.store,
            mail.ref.id,
            Report(
                kind=kind,
                at=self.agenda.now,
                link=link,
                detail="Permanent General" if bounced else "",
                permanent=bounced,
            ),
        )

    def unsubscribe(self, mail: Mail) -> None:
        """Follow the mail's own link, which is about its topic; without one, about all."""
        token = mail.headers.get("List-Unsubscribe", "").strip("<>").rpartition("/")[2]
        page = self._unsubscriber.open(self.store, token)
        claim = page.claim if page else Unsubscribe(self.store, mail.ref.contact, "", mail.ref.id)
        self._unsubscriber.unsubscribe(claim, "topic", Proof("page"), self.agenda.now)

    # --- what happens by itself ---

    def _pass_on(self) -> None:
        """Set in motion what follows from what has happened: the stream, and the post."""
        for record in self.state.stream[self._streamed :]:
            self.agenda.after(timedelta(0), partial(self._react, record))
        self._streamed = len(self.state.stream)
        for mail, _ in self.mailer.handed[self._posted :]:
            self.agenda.after(_SECOND, partial(self.report, mail, "sent"))
            self.agenda.after(2 * _SECOND, partial(self.report, mail, "delivered"))
        self._posted = len(self.mailer.handed)
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Have contacts looked at when a segment of theirs may change by itself.

        Only before something else that is still to come, or stories would never end.
        """
        for (_, contact), profile in self.state.profiles.items():
            at = min(profile.standing.flips.values(), default=None)
            if at is not None and (contact, at) not in self._looks and self.agenda.goes_beyond(at):
                self._looks.add((contact, at))
                event = look_event(self.store, at)
                self.agenda.at(at, partial(self._timeline.append, contact, event))

    def _react(self, record: Record) -> None:
        reaction = self._reactor.react(
            record.contact, record.event, record.position, self.agenda.now, record.again
        )
        self.watcher.reacted(record.event, reaction)
