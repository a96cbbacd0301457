"""What the services need from the world: small Protocols, named for the need.

Errors that cross a port are those of this file; an AWS error never does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from milepost.domain.program import is_planned
from milepost.domain.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from milepost.domain import report as publishing
    from milepost.domain.conditions import Condition, Happening, Window
    from milepost.domain.contacts import Profile
    from milepost.domain.enrollments import Enrollment, Status
    from milepost.domain.events import Event, IdentifierKind
    from milepost.domain.legs import Start
    from milepost.domain.letters import Letter
    from milepost.domain.limits import Counter
    from milepost.domain.merging import Stay
    from milepost.domain.messages import (
        Answer,
        Category,
        Claimed,
        Draft,
        Mail,
        MessageStatus,
        NotClaimed,
        Report,
    )
    from milepost.domain.outbound import Reply, Request, Unreachable
    from milepost.domain.pauses import Pause
    from milepost.domain.program import Program
    from milepost.domain.refs import ContactRef, EnrollmentRef, MessageRef
    from milepost.domain.scoring import Scoring
    from milepost.domain.segments import Segment
    from milepost.domain.settings import StoreSettings
    from milepost.domain.templates.rendering import Renderer
    from milepost.domain.templates.versions import TemplateVersion

    Identifiers = Mapping[IdentifierKind, str]


class Busy(Exception):
    """The world is momentarily not able to answer; the same call later may succeed."""


class Unfinished(Busy):
    """Something could not be published now; `reports` are of all that could."""

    def __init__(self, what: Sequence[str], reports: Sequence[publishing.Report]) -> None:
        super().__init__("not finished: " + "; ".join(what))
        self.reports = reports


class StoreSecrets(NamedTuple):
    """A store's keys, the current one first. An empty tuple means that none is configured.

    `shop_domains` are no keys: they say which of Shopify's shops this store is.
    """

    signing: tuple[str, ...] = ()
    bearer_hashes: tuple[str, ...] = ()
    shopify: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    shop_domains: tuple[str, ...] = ()
    browser: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()


class Secrets(Protocol):
    """Keeps the keys of stores."""

    def of(self, store: str) -> StoreSecrets | None:
        """The store's keys; None if there is no such store."""


class Timeline(Protocol):
    """Appends what happened to the timeline of the contact it happened to."""

    def resolve(self, store: str, wanted: Sequence[Identifiers]) -> list[str]:
        """The contact of each set of identifiers; unknown ones get the id they will have."""

    def append(self, contact: str, event: Event) -> bool:
        """Keep the event; False if the timeline has it already."""

    def first_seen(self, store: str, source: str, event_id: str, now: datetime) -> datetime:
        """When an event without a time of its own was first reported: `now` only the first time."""

    def find(
        self, store: str, contact: str, name: str, at: datetime, event_id: str
    ) -> Event | None:
        """One event of a contact's timeline."""

    def happenings(self, store: str, contact: str, window: Window) -> list[Happening]:
        """The events of one name since an instant."""


class Contacts(Protocol):
    """Keeps what is known of each contact."""

    def profile(self, store: str, contact: str) -> Profile | None:
        """The contact, or whoever it has been merged into."""

    def held(self, store: str, contact: str) -> Profile | None:
        """The contact itself, also if it has been merged into another."""

    def apply(self, before: Profile | None, after: Profile) -> bool:
        """Replace `before` by `after`; False if somebody else changed the contact meanwhile."""

    def link(self, contact: str, event: Event) -> dict[IdentifierKind, str]:
        """Make the event's identifiers lead to the contact, where they lead nowhere yet; the
        contacts that the others lead to."""

    def lead(self, store: str, kind: IdentifierKind, value: str, old: str, new: str) -> None:
        """Make an identifier that leads to one contact lead to another."""

    def record_consent(self, contact: str, event: Event, topics: Sequence[str]) -> None:
        """Add the event's answers to the log of proof."""

    def withdraw(self, contact: str, event: Event) -> None:
        """Withdraw what the event says, at once, with proof; works for contacts long gone, and for
        whoever a contact has been merged into."""

    def suppress(self, store: str, address_hash: str, reason: str, at: datetime) -> None:
        """Never mail this address again. What the post reports outranks that it was erased."""

    def welcome_back(self, store: str, address_hash: str) -> None:
        """The person has confirmed anew that mail is wanted: end what an erasure left, no more."""

    def erased(self, store: str, contact: str) -> datetime | None:
        """Until when all that happened to this contact has been erased."""

    def forget(self, contact: str, event: Event) -> None:
        """Take an event off the timeline that came after its contact was erased."""


class Again(NamedTuple):
    """Why an event of a timeline is applied once more: a mark of its own for every time.

    `follow` is the position at which it was applied, if only what follows from it is to be done.
    """

    mark: str
    follow: int = 0


class Merging(Protocol):
    """Makes one contact of two, and has events applied that a timeline already has."""

    def reserve(self, store: str, loser: str, winner: str) -> list[Stay]:
        """The loser's enrollments; from now on the winner has been enrolled for the same."""

    def unite(
        self,
        loser: Profile,
        tombstone: Profile,
        winner: Profile,
        after: Profile,
        topics: Sequence[str],
    ) -> bool:
        """Replace both profiles at once; False if one has changed meanwhile, or if the loser is
        still receiving what another contact was. `topics` are those that somebody may have
        withdrawn meanwhile."""

    def carry(self, loser: Profile, after: str) -> tuple[list[Event], str]:
        """Copy the next part of a loser's timeline and proofs to the winner; those events which
        that one had already, and the place to go on from, empty at the end. Nobody applies a copy.
        """

    def settle(self, loser: Profile) -> None:
        """Take the loser out of all lists; the merge is complete."""

    def uncounted(self, winner: str, event: Event, loser: str) -> bool:
        """Whether an event that came too late for the loser lies on the winner's timeline, but has
        been counted for neither, or taken back once."""

    def apply_again(self, contact: str, event: Event, again: Again) -> bool:
        """Have an event of a timeline applied, once for each mark; False if that was asked."""

    def part(self, before: Profile, after: Profile, event: Event) -> bool:
        """Replace a profile, as `Contacts.apply` does, and take an event that has nothing to do
        with the contact off its timeline, at once."""


class Letters(Protocol):
    """Keeps account of records that cannot be applied."""

    def failed(self, letter: Letter, image: Any, now: datetime) -> int:
        """Note that a record failed once more; how often it has. `image` is all of the record."""

    def put_aside(self, letter: Letter) -> None:
        """Put a record where somebody will look for it: nobody tries it any more."""


@dataclass(frozen=True, slots=True)
class Journal:
    """What a block has found out but not yet written down; `entries` belong to `began`."""

    began: Mapping[str, datetime] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)


class Enrollments(Protocol):
    """Keeps each contact's way through each workflow."""

    def enroll(self, enrollment: Enrollment) -> bool:
        """Keep a new enrollment; False if it exists."""

    def load(self, ref: EnrollmentRef) -> tuple[Profile, Enrollment] | None: ...

    def write(self, ref: EnrollmentRef, journal: Journal, leg: int | None = None) -> None:
        """Write a journal down; raises `Busy` if the enrollment is in another leg than the one
        that is given."""

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        leg: int | None = None,
    ) -> bool:
        """End an active enrollment and note it on the contact; False if it had ended before, or if
        it is in another leg than the one that is given."""

    def leg(self, ref: EnrollmentRef) -> int:
        """Which of its executions an enrollment is in; 0 if there is no such enrollment."""

    def park(
        self, ref: EnrollmentRef, leg: int, start: Start, journal: Journal, paused: bool = False
    ) -> bool:
        """End a leg of an active enrollment and set the time of the next one, together with what
        the journal holds; False, and nothing changes, if the leg has ended before. One that is
        `paused` is not due, but among those who wait for their workflow."""

    def retime(self, ref: EnrollmentRef, leg: int, start: Start, paused: bool = False) -> bool:
        """Change how a leg that has not begun begins; False if it has, or never will."""

    def move(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: Start,
        version: int,
        unless: str = "",
        paused: bool = False,
    ) -> bool:
        """End a leg and go on in another version, as `park` does; False if the leg has ended or
        its next turn has begun, or if there is an outcome of the name `unless` by now."""

    def show_moved(self, ref: EnrollmentRef, version: int) -> None:
        """Note on the contact which version an enrollment is of, if it is still inside."""

    def inside(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        """The active enrollments of a workflow, each with its place in an order; after a place."""

    def begun(self, ref: EnrollmentRef, leg: int) -> None:
        """A leg has begun, or never will: its time is no longer waited for."""

    def offer_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | int | None:
        """Lay the event's half of a rendezvous down; the task token if the wait was there first,
        or the number of the leg if the wait is a parked one."""

    def offer_token(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        token: str,
        since: datetime,
        outcome: str = "",
        leg: int = 0,
    ) -> bool:
        """Lay the wait's half down; True if an event since then was there first.

        What the wait comes to is kept under `outcome`, or under the step's id if that is empty.
        The half of a later leg stays.
        """

    def offer_leg(
        self, ref: EnrollmentRef, step: str, event: str, leg: int, start: Start, outcome: str
    ) -> bool:
        """Lay the half of a parked wait down, as `offer_token` does; it lasts as long as it."""


class Ledger(Protocol):
    """The send ledger."""

    def claim(self, draft: Draft, journal: Journal, at: datetime) -> Claimed | NotClaimed:
        """Claim a new or throttled message, if the contact may still be mailed: one transaction."""

    def claim_again(self, draft: Draft, at: datetime) -> Claimed | NotClaimed:
        """Claim a transactional message whose outcome stayed unknown, for its one second try."""

    def settle(self, ref: MessageRef, answer: Answer, at: datetime) -> None: ...

    def close(
        self, draft: Draft, status: MessageStatus, reason: str, journal: Journal, at: datetime
    ) -> None:
        """Record a decision that led to no submission; harmless if the message exists."""

    def report(self, ref: MessageRef, report: Report) -> Mapping[str, Any] | None:
        """Merge what SES reports; the message's facts, or None if we never sent it there."""

    def fates(
        self, enrollment: EnrollmentRef, visits: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        """What became of an enrollment's e-mails, by step; `visits` says which of each step's."""


class Live(NamedTuple):
    """A workflow that is published: its version, and the machine that new entries start on.

    `trigger` is its program's without `where`, so that whoever has an event need not read the
    programs of all the workflows that it does not concern.
    """

    version: int
    machine: str
    status: Literal["live", "paused", "draft", "archived"]
    pauses: tuple[Pause, ...] = ()
    trigger: Mapping[str, Any] = {}


class Head(NamedTuple):
    """What is live in a store now; `pauses` are the whole store's."""

    settings: StoreSettings
    workflows: Mapping[str, Live]
    templates: Mapping[str, str]
    pauses: tuple[Pause, ...] = ()
    segments: Segments = Segments()
    scoring: Scoring | None = None

    def pauses_of(self, workflow: str) -> tuple[Pause, ...]:
        """All pauses that freeze those inside a workflow."""
        live = self.workflows.get(workflow)
        return (*self.pauses, *(live.pauses if live else ()))

    def plans(self) -> list[Mapping[str, Any]]:
        """What live workflows wait for that comes to contacts by itself, paused ones included."""
        return [
            live.trigger
            for live in self.workflows.values()
            if live.status in ("live", "paused") and is_planned(live.trigger)
        ]

    def is_paused(self, workflow: str) -> bool:
        return any(pause.ended is None for pause in self.pauses_of(workflow))


class Registry(Protocol):
    """What has been published."""

    def head(self, store: str) -> Head: ...

    def program(self, store: str, workflow: str, version: int) -> Program: ...

    def template(self, store: str, name: str, version: str) -> Renderer: ...

    def resume(self, store: str, workflow: str, version: int) -> str:
        """The machine on which later legs of this version run."""

    def segment(self, store: str, name: str, version: int) -> Condition:
        """Who is in a segment, as this version says."""


class Engine(Protocol):
    """Runs state machines."""

    def start(
        self, machine: str, ref: EnrollmentRef, leg: int = 0, turn: int = 0, block: str = ""
    ) -> None:
        """Start a leg of an enrollment, a later one at a block; harmless if it runs or ran."""

    def stop(self, ref: EnrollmentRef, reason: str, leg: int = 0) -> None:
        """Stop a leg of an enrollment; harmless if it does not run."""

    def answer(self, token: str) -> None:
        """Wake a wait; harmless if it was decided otherwise."""


class Mailer(Protocol):
    """Hands a finished message to the post, once."""

    def send(self, mail: Mail) -> Answer: ...


class Overdue(NamedTuple):
    """A message whose outcome nobody has reported in time."""

    message: MessageRef
    enrollment: EnrollmentRef
    step: str
    turn: int
    category: Category
    attempts: int


class Timers(Protocol):
    """Knows what is due."""

    def due(self, now: datetime) -> Iterator[Overdue | EnrollmentRef | ContactRef]:
        """Overdue messages, enrollments (of version 0: unknown) whose next leg is due, and contacts
        for whom something may have come by itself."""

    def paused(self, store: str, workflow: str) -> Iterator[EnrollmentRef]:
        """The enrollments (of version 0) that wait for their workflow, those due first first."""

    def done_before(self, now: datetime) -> None:
        """All that `due` gave for this instant has been dealt with."""

    def give_up(self, ref: MessageRef, at: datetime) -> bool:
        """Leave the outcome unknown for good; False if it has been settled."""


Group = Literal["all", "list", "segment"]
"""All contacts of a store, those on a list, or those in a segment."""


class Member(NamedTuple):
    """A contact, and when it became what it is a member of."""

    contact: str
    since: str


class MemberPage(NamedTuple):
    """Some members, and the place after which the next page begins; empty if there is none."""

    members: Sequence[Member]
    next: str


class Members(Protocol):
    """Knows who belongs to a list or a segment, and all contacts of a store (`all`, no name)."""

    def page(
        self, store: str, group: Group, name: str, after: str = "", most: int = 100
    ) -> MemberPage: ...

    def count(self, store: str, group: Group, name: str) -> int: ...


class Memberships(Members, Protocol):
    """Knows the members in parts, for whoever goes through all of them, and notes who is one."""

    def parts(self) -> int:
        """How many parts the members of anything are kept in."""

    def page_of(
        self, store: str, group: Group, name: str, part: int, after: str = "", most: int = 100
    ) -> MemberPage:
        """Some members of one part, and the place after which its next page begins."""

    def join(self, ref: ContactRef, group: Group, name: str, since: datetime) -> None:
        """Note that a contact belongs to a list or a segment; harmless if it is noted."""

    def leave(self, ref: ContactRef, group: Group, name: str) -> None:
        """Note that a contact no longer does; harmless if that is noted."""


class Resender(Protocol):
    """Has a message sent once more where sending is allowed."""

    def send_again(self, enrollment: EnrollmentRef, step: str, turn: int) -> None: ...


class Files(Protocol):
    """A store's files: workflows, templates and settings in, reports out."""

    def read(self, store: str, path: str) -> str | None:
        """The file's text as it is now; None if there is none."""

    def folder(self, store: str, path: str) -> dict[str, str]:
        """The texts of the files directly in a folder, by name."""

    def paths(self, store: str, folder: str) -> list[str]:
        """The paths of all files below a folder, in order."""

    def write(self, store: str, path: str, text: str) -> None: ...


class Publications(Protocol):
    """The writing side of the registry: always the present, never from a cache."""

    def head(self, store: str) -> Head: ...

    def program(self, store: str, workflow: str, version: int) -> Program: ...

    def template(self, store: str, name: str, version: str) -> TemplateVersion: ...

    def source(self, store: str, workflow: str, version: int) -> str:
        """What identifies the file and compiler that a version was made from."""

    def keep_program(self, store: str, program: Program, source: str) -> bool:
        """Keep a version; False if that number belongs to another source: versions never change."""

    def keep_resume(self, store: str, workflow: str, version: int, machine: str) -> None:
        """Keep the machine on which later legs of a version run."""

    def keep_template(self, store: str, template: TemplateVersion) -> None: ...

    def go_live(self, store: str, workflow: str, live: Live, after: int) -> bool:
        """Make a version live in place of version `after` (0: none); False if that is not live."""

    def show_template(self, store: str, name: str, version: str) -> None: ...

    def hide_template(self, store: str, name: str) -> None: ...

    def apply_settings(
        self, store: str, settings: Mapping[str, Any], pauses: Sequence[Pause] = ()
    ) -> None: ...

    def segment(self, store: str, name: str, version: int) -> Condition:
        """The condition of a version; LookupError if there is none."""

    def keep_segment(self, store: str, name: str, version: int, condition: Condition) -> bool:
        """Keep a version; False if that number belongs to another condition."""

    def show_segment(self, store: str, name: str, segment: Segment, after: int) -> bool:
        """Make a segment live in place of version `after` (0: none); False if that is not live."""

    def apply_scoring(self, store: str, scoring: Mapping[str, Any] | None) -> None: ...

    def set_going(self, work: Work) -> None:
        """Have something done for everybody inside a workflow; it replaces the same done before."""

    def refused(self, store: str, path: str, refused: bool) -> None:
        """Note whether a file as it is now was refused."""

    def all_refused(self, store: str) -> list[str]:
        """The paths of the files that were refused."""


class Work(NamedTuple):
    """Something to be done for everybody inside a workflow, set going `at` an instant; a broadcast
    is for everybody in the segment of its schedule, and begins `at` an instant. A `look` is at all
    contacts, because of what `workflow` names: `segment/vip`, `workflow/birthday`, `scoring`."""

    kind: Literal["thaw", "cancel", "migrate", "broadcast", "look"]
    store: str
    workflow: str
    at: datetime
    version: int = 0
    done: str = ""


class Part(NamedTuple):
    """A part of a look at all contacts: where it is (empty when it is `done`), and what it did."""

    place: str = ""
    looked: int = 0
    changed: int = 0
    done: bool = False


class Looked(NamedTuple):
    """The last look at all contacts because of one thing."""

    run: str
    at: str
    parts: Mapping[str, Part] = {}
    of: int = 0


class Progress(Protocol):
    """Notes how far the looks at all contacts are."""

    def begin(self, store: str, run: str, what: Sequence[str], of: int, at: datetime) -> None:
        """Note that a look in so many parts has begun, because of these things."""

    def part(self, store: str, run: str, part: str) -> Part: ...

    def note(self, store: str, run: str, part: str, progress: Part) -> None: ...

    def looked(self, store: str, what: str) -> Looked | None:
        """The last look because of a thing; None if there was none."""


class LookStarter(Protocol):
    """Has all contacts looked at."""

    def look(self, run: str, order: Mapping[str, Any]) -> None:
        """Set a look going; harmless if it is or was."""


class Works(Protocol):
    """Keeps what has been set going until it is done."""

    def open(self) -> list[Work]: ...

    def advance(self, work: Work, done: str) -> None:
        """Note how far a work has come, unless it has been set going anew."""

    def again(self, work: Work, at: datetime) -> None:
        """A work is done, and the same is to be done anew from an instant, unless it has been set
        going anew."""

    def close(self, work: Work) -> None:
        """A work is done, unless it has been set going anew."""


class Machines(Protocol):
    """Publishes state machines."""

    def publish(self, store: str, workflow: str, definition: Mapping[str, Any]) -> str:
        """Create or update the machine; the ARN of the published version."""


class Outbound(Protocol):
    """Calls other people's servers over HTTPS, and only public ones."""

    def call(self, request: Request) -> Reply | Unreachable:
        """Call once; whatever goes wrong is a value. The server may have acted all the same."""


class Alerts(Protocol):
    """Tells the shop's own people something."""

    def tell(self, subject: str, text: str, store: str) -> None:
        """Raises `Busy`. Whoever listens may have asked for one store's alone."""


class Limits(Protocol):
    """Counts what may not happen too often."""

    def count(self, counter: Counter, number: int = 1) -> int:
        """Count some more; how many there were in this window by now, these included."""
