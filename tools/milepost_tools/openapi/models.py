"""What the API answers, and bodies that no function reads with a model of its own."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field, RootModel, StringConstraints

from milepost.api.event_body import EventIn, Model

One = TypeVar("One")
ContactId = Annotated[str, StringConstraints(pattern=r"^c[0-9a-f]{25}$")]
RequestId = Annotated[str, StringConstraints(pattern=r"^r[0-9a-f]{32}$")]


# --- errors ---


class ErrorIn(Model):
    """What went wrong: `code` is for programs, `message` for people, `field` says where."""

    code: str
    message: str
    field: str | None


class Error(Model):
    """The body of every error."""

    error: ErrorIn


class Throttled(Model):
    """The answer of API Gateway itself to more requests than the stack takes."""

    message: str


class TooMany(RootModel[Error | Throttled]):
    """Too much came from one address, or in all."""


# --- events ---


class Batch(Model):
    """Several events; each is kept or refused by itself."""

    batch: list[EventIn] = Field(min_length=1, max_length=500)


class Events(RootModel[EventIn | Batch | Annotated[list[EventIn], Field(min_length=1)]]):
    """One event, a list of them, or a batch."""


class Kept(Model):
    """What became of one event."""

    id: str
    status: Literal["accepted", "duplicate"]


class Result(Model):
    """What became of one event of a batch."""

    index: int
    status: Literal["accepted", "duplicate", "refused"]
    id: str = Field(default="", description="Of events that were kept.")
    error: ErrorIn | None = Field(default=None, description="Of events that were refused.")


class Results(Model):
    """What became of a batch."""

    accepted: int
    duplicate: int
    refused: int
    results: list[Result]


class KeptOrResults(RootModel[Kept | Results]):
    """For one event, or for a batch."""


# --- webhooks and links ---


class Delivery(RootModel[dict[str, Any]]):
    """Whatever the shop system sends; see its own documents."""


class Translated(Model):
    """One event that a delivery came to."""

    event: str
    id: str
    status: Literal["accepted", "duplicate"]


class Acknowledged(Model):
    """A genuine delivery is acknowledged, whatever use it is of."""

    status: Literal["accepted", "ignored"]
    results: list[Translated] = Field(default_factory=list)
    request: str = Field(default="", description="Of a demand for data or erasure.")
    reason: str = Field(default="", description="Why it was ignored.")
    field: str | None = None


class UnsubscribeForm(Model):
    """RFC 8058's one click, or the choice of the page's buttons."""

    model_config = ConfigDict(extra="allow")

    one_click: Literal["One-Click"] | None = Field(default=None, alias="List-Unsubscribe")
    scope: Literal["topic", "all"] | None = None


class Unsubscribed(Model):
    """The answer to a mailbox provider."""

    status: Literal["unsubscribed"]


class Wishes(Model):
    """A button of the page, and the fields beside it."""

    model_config = ConfigDict(extra="allow")

    do: str = ""


# --- forms and browsers ---


class FormFields(Model):
    """The fields that the form has in settings.json; `email` at least."""

    model_config = ConfigDict(extra="allow")

    email: str


class Confirmed(Model):
    """The button of the page."""

    model_config = ConfigDict(extra="allow")

    do: Literal["confirm"] | None = None


class Taken(Model):
    """Nothing depends on whose address it is."""

    status: Literal["accepted"]


class Seen(Model):
    """One thing that a visitor looked at."""

    model_config = ConfigDict(extra="allow")

    name: str


class BrowserReport(Model):
    """What a visitor looked at; docs/browser.md."""

    model_config = ConfigDict(extra="allow")

    key: str
    device: str
    events: list[Seen] = Field(max_length=20)


# --- contacts ---


class Consent(Model):
    """Where a contact stands on a topic. `weak` marks a yes whose time nobody recorded."""

    state: Literal["granted", "withdrawn"]
    at: AwareDatetime
    method: str
    source: str
    weak: bool


class Total(Model):
    """All events of one name."""

    count: int
    first: AwareDatetime
    last: AwareDatetime
    value: str


class Inside(Model):
    """A workflow that the contact is inside of."""

    workflow: str
    enrollment: str
    since: AwareDatetime


class Suppressed(Model):
    """Why the address is never mailed. `erased` stands against marketing alone."""

    reason: str
    at: str


class Contact(Model):
    """All that is known of a contact now. Fields that it does not have are left out."""

    model_config = ConfigDict(extra="allow")

    id: ContactId
    properties: dict[str, Any]
    lists: list[str]
    identifiers: dict[str, list[str]]
    consent: dict[str, Consent]
    events: dict[str, Total]
    inside: list[Inside]
    suppressed: Suppressed | None


class Changed(Model):
    """The event that a change came to. It is applied a moment later."""

    contact: ContactId
    event: str
    status: Literal["accepted", "duplicate"]


class Page(Model, Generic[One]):
    """Newest first. `next` is the cursor of the next page; null on the last."""

    items: list[One]
    next: str | None


class EventRecord(Model):
    """One event of the timeline, with all that it said of the contact."""

    event: str
    id: str
    occurred_at: AwareDatetime
    source: str
    identifiers: dict[str, str]
    properties: dict[str, Any]
    contact: dict[str, Any]


class Proof(Model):
    """One answer about consent, as it was given. `dated` is false if nobody said when."""

    topic: str
    state: Literal["granted", "withdrawn"]
    at: AwareDatetime
    dated: bool
    method: str
    source: str
    wording: str | None
    ip: str | None
    user_agent: str | None
    event: str


class Deferral(Model):
    """A message that waits for a better hour, or did: everything is asked again at `until`."""

    step: str
    reason: str
    since: AwareDatetime | None
    until: AwareDatetime


class Enrollment(Model):
    """One way through a workflow: what began it, what each step came to, why it ended."""

    id: str
    workflow: str
    version: int
    status: Literal["active", "completed", "exited", "failed"]
    reason: str | None
    key: str | None
    event: str
    event_id: str
    event_properties: dict[str, Any]
    since: AwareDatetime
    entered_at: AwareDatetime
    ended_at: AwareDatetime | None
    due_at: AwareDatetime | None = Field(description="When a wait that is parked ends.")
    deferred: Deferral | None
    steps: dict[str, dict[str, Any]]


class Message(Model):
    """One decision to send a mail or not to, why, and what became of it.

    `sent_at`, `delivered_at`, `opened_at` and so on are there when that has happened.
    """

    model_config = ConfigDict(extra="allow")

    id: str
    workflow: str
    version: int
    enrollment: str
    step: str
    category: Literal["marketing", "transactional"]
    template: str
    status: Literal["claimed", "accepted", "unknown", "throttled", "rejected", "failed", "skipped"]
    reason: str | None
    decided_at: AwareDatetime


class PageQuery(Model):
    """How a list is turned over."""

    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = Field(default=None, description="`next` of the page before.")


class TimelineQuery(PageQuery):
    """Which part of the timeline."""

    event: Annotated[str, StringConstraints(pattern=r"^[^#]*$", max_length=100)] | None = Field(
        default=None, description="Events of this name alone."
    )
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


# --- privacy ---


class Asked(Model):
    """An export or an erasure. Whose it is, it does not say."""

    id: RequestId
    kind: Literal["export", "erase", "erase_store"]
    status: Literal["running", "done"]
    origin: str
    asked_at: AwareDatetime
    done_at: AwareDatetime | None
    items: int = Field(description="How much was exported or erased.")


class Request(Asked):
    """The same, with the link to an export that is ready. It holds for five minutes."""

    url: str | None


# --- segments and lists ---


class LookedAt(Model):
    """How far all contacts have been looked at for what was published last."""

    at: AwareDatetime
    parts: int
    parts_done: int
    contacts: int
    changed: int
    done: bool


class Segment(Model):
    """A segment that is live, and how many are in it."""

    segment: str
    title: str
    version: int
    static: bool
    count: int
    looked: LookedAt | None


class ListCount(Model):
    """How many are on a list."""

    list: str
    count: int


class OneMember(Model):
    """A contact, and since when."""

    contact: ContactId
    since: AwareDatetime


class Members(Model):
    """Some members; `next` leads to those after them."""

    members: list[OneMember]
    next: str | None


class MembersQuery(Model):
    """Which members."""

    limit: int = Field(default=100, ge=1, le=1000)
    after: str = Field(default="", description="The `next` of the answer before.")


class Membership(Model):
    """What was asked for; it is so within seconds."""

    segment: str
    contact: ContactId
    inside: bool


class Preview(Model):
    """A condition of the workflow language."""

    condition: dict[str, Any]


class Estimated(Model):
    """Of those `looked` at, so many `matched`; `some` of these."""

    matched: int
    looked: int
    total: int
    words: str
    some: list[ContactId]
