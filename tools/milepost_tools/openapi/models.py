"""The models of answers, and of bodies that no function parses with a model of its own."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field, RootModel, StringConstraints

from milepost.api.event_body import EventIn, Model

One = TypeVar("One")
ContactId = Annotated[str, StringConstraints(pattern=r"^c[0-9a-f]{25}$")]
RequestId = Annotated[str, StringConstraints(pattern=r"^r[0-9a-f]{32}$")]


# --- errors ---


class ErrorIn(Model):
    """An error: `code` for programs, `message` for people, `field` names the field."""

    code: str
    message: str
    field: str | None


class Error(Model):
    """The body of every error."""

    error: ErrorIn


class Throttled(Model):
    """API Gateway's own answer when it throttles."""

    message: str


class TooMany(RootModel[Error | Throttled]):
    """Too many requests from one address or in total."""


# --- events ---


class Batch(Model):
    """Several events; each is accepted or refused by itself."""

    batch: list[EventIn] = Field(min_length=1, max_length=500)


class Events(RootModel[EventIn | Batch | Annotated[list[EventIn], Field(min_length=1)]]):
    """One event, a list of them, or a batch."""


class Kept(Model):
    """The result for one event."""

    id: str
    status: Literal["accepted", "duplicate"]


class Result(Model):
    """The result for one event of a batch."""

    index: int
    status: Literal["accepted", "duplicate", "refused"]
    id: str = Field(default="", description="For accepted events.")
    error: ErrorIn | None = Field(default=None, description="For refused events.")


class Results(Model):
    """The results for a batch."""

    accepted: int
    duplicate: int
    refused: int
    results: list[Result]


class KeptOrResults(RootModel[Kept | Results]):
    """For one event, or for a batch."""


# --- webhooks and links ---


class Delivery(RootModel[dict[str, Any]]):
    """The shop platform's payload; see its documentation."""


class Translated(Model):
    """One event that the webhook was translated into."""

    event: str
    id: str
    status: Literal["accepted", "duplicate"]


class Acknowledged(Model):
    """Every genuine webhook is acknowledged."""

    status: Literal["accepted", "ignored"]
    results: list[Translated] = Field(default_factory=list)
    request: str = Field(default="", description="For data requests and erasure requests.")
    reason: str = Field(default="", description="Why it was ignored.")
    field: str | None = None


class UnsubscribeForm(Model):
    """RFC 8058 one-click, or the page's buttons."""

    model_config = ConfigDict(extra="allow")

    one_click: Literal["One-Click"] | None = Field(default=None, alias="List-Unsubscribe")
    scope: Literal["topic", "all"] | None = None


class Unsubscribed(Model):
    """The answer to a mailbox provider."""

    status: Literal["unsubscribed"]


class Wishes(Model):
    """A button of the page and the page's fields."""

    model_config = ConfigDict(extra="allow")

    action: str = ""


# --- forms and browsers ---


class FormFields(Model):
    """The fields of the form in settings.json, at least `email`."""

    model_config = ConfigDict(extra="allow")

    email: str


class Confirmed(Model):
    """The button of the page."""

    model_config = ConfigDict(extra="allow")

    action: Literal["confirm"] | None = None


class Taken(Model):
    """The same answer for every address."""

    status: Literal["accepted"]


class Seen(Model):
    """One browsing event."""

    model_config = ConfigDict(extra="allow")

    name: str


class BrowserReport(Model):
    """Browsing events of a visitor; see docs/browser.md."""

    model_config = ConfigDict(extra="allow")

    key: str
    device: str
    events: list[Seen] = Field(max_length=20)


# --- contacts ---


class Consent(Model):
    """A contact's consent for a topic. `weak` marks a consent without a recorded time."""

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


class ActiveEnrollment(Model):
    """An enrollment of the contact that has not ended."""

    workflow: str
    enrollment: str
    since: AwareDatetime


class Suppressed(Model):
    """Why the address gets no e-mail. `erased` blocks marketing only."""

    reason: str
    at: str


class Contact(Model):
    """A contact. Fields without a value are left out."""

    model_config = ConfigDict(extra="allow")

    id: ContactId
    properties: dict[str, Any]
    lists: list[str]
    identifiers: dict[str, list[str]]
    consent: dict[str, Consent]
    events: dict[str, Total]
    active_enrollments: list[ActiveEnrollment]
    suppressed: Suppressed | None


class Changed(Model):
    """The event that the change was recorded as. It is applied a moment later."""

    contact: ContactId
    event: str
    status: Literal["accepted", "duplicate"]


class Page(Model, Generic[One]):
    """Newest first. `next` is the cursor of the next page; null on the last."""

    items: list[One]
    next: str | None


class EventRecord(Model):
    """One event of the timeline, with the contact data it carried."""

    event: str
    id: str
    occurred_at: AwareDatetime
    source: str
    identifiers: dict[str, str]
    properties: dict[str, Any]
    contact: dict[str, Any]


class Proof(Model):
    """One answer about consent, as it was given. `has_timestamp` is false without a time."""

    topic: str
    state: Literal["granted", "withdrawn"]
    at: AwareDatetime
    has_timestamp: bool
    method: str
    source: str
    consent_text: str | None
    ip: str | None
    user_agent: str | None
    event: str


class Deferral(Model):
    """A deferred message: it is decided again at `until`."""

    step: str
    reason: str
    since: AwareDatetime | None
    until: AwareDatetime


class Enrollment(Model):
    """An enrollment: its trigger, the outcome of each step, why it ended."""

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
    due_at: AwareDatetime | None = Field(description="When a suspended wait ends.")
    deferred: Deferral | None
    steps: dict[str, dict[str, Any]]


class Message(Model):
    """One decision to send an e-mail or not, with its reason and result.

    `sent_at`, `delivered_at`, `opened_at` and so on are present once they have happened.
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
    """Paging."""

    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = Field(default=None, description="The `next` of the previous page.")


class TimelineQuery(PageQuery):
    """Filters of the timeline."""

    event: Annotated[str, StringConstraints(pattern=r"^[^#]*$", max_length=100)] | None = Field(
        default=None, description="Only events with this name."
    )
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


# --- privacy ---


class Asked(Model):
    """An export or an erasure. It does not name the contact."""

    id: RequestId
    kind: Literal["export", "erase", "erase_store"]
    status: Literal["running", "done"]
    origin: str
    asked_at: AwareDatetime
    done_at: AwareDatetime | None
    items: int = Field(description="Number of items exported or erased.")


class Request(Asked):
    """The same, with the link to a finished export. The link is valid for five minutes."""

    url: str | None


# --- segments and lists ---


class Backfill(Model):
    """The progress of the re-evaluation of all contacts after the last publish."""

    at: AwareDatetime
    parts: int
    parts_done: int
    contacts: int
    changed: int
    done: bool


class Segment(Model):
    """A live segment and its number of members."""

    segment: str
    title: str
    version: int
    static: bool
    count: int
    backfill: Backfill | None


class ListCount(Model):
    """A list and its number of members."""

    list: str
    count: int


class OneMember(Model):
    """A member and since when."""

    contact: ContactId
    since: AwareDatetime


class Members(Model):
    """A page of members; `next` leads to the next page."""

    members: list[OneMember]
    next: str | None


class MembersQuery(Model):
    """Paging."""

    limit: int = Field(default=100, ge=1, le=1000)
    after: str = Field(default="", description="The `next` of the previous answer.")


class Membership(Model):
    """The requested membership; it takes effect within seconds."""

    segment: str
    contact: ContactId
    member: bool


class Preview(Model):
    """A condition of the workflow language."""

    condition: dict[str, Any]


class Estimated(Model):
    """How many of the `sampled` contacts `matched`; `sample` holds some that did."""

    matched: int
    sampled: int
    total: int
    description: str
    sample: list[ContactId]
