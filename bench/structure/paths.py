"""The three measured paths, each through the real handlers against an in-memory AWS.

The store is the shipped `workflows/` with all templates and segments, but without the workflows'
own tests, which publishing would run. The contact consents, enters the abandoned cart and gets the
first e-mail; the workflow then waits until it is opened (the shipped file waits for a click). The
code here moves records between streams, Step Functions and handlers. Each call reads the published
state again (MILEPOST_CACHE_SECONDS=0).
"""

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import REPOSITORY
from bench.structure import EXCLUDED, LAYER, PACKAGE
from bench.structure.tracing import Trace, empty_caches, import_all
from functions.await_event.app import handler as await_event
from functions.publish.app import handler as publish
from functions.react.app import handler as react
from functions.run_steps.app import handler as run_steps
from functions.trigger_email.app import handler as trigger_email
from functions.trigger_event.app import handler as trigger_event
from tests.support.aws_events import changed_file, queued
from tests.support.cloud import BUCKET, Shop, open_cloud
from tests.support.handlers import machine_of, report, ses_event, upload

Json = dict[str, Any]
Handler = Callable[[Any, Any], Any]

EVENT_TO_MAIL, OPENED_MAIL, PUBLISH = "event to mail", "opened mail", "publish a workflow"
WORKFLOW = "abandoned-cart"


@dataclass
class Paths:
    """The traces of the three paths, for one contact of a store."""

    shop: Shop
    first: bool
    traces: dict[str, Trace] = field(default_factory=dict)

    def walk(self, contact: str) -> None:
        """Run all three, one after the other. `first`: each function is called for the first
        time."""
        enrollment = self.enter(contact)
        message = self.mail(enrollment)
        wait_since = _ago()
        await_event({**enrollment, "step": "wait", "token": "t" * 600, "since": wait_since}, None)
        for kind in ("send", "delivery"):
            trigger_email(ses_event(message, kind, self.shop), None)
        self.open(message)
        self.publish(f"A cart that {contact} left")

    def enter(self, contact: str) -> Json:
        """The shop sends a checkout and the contact enters; returns the input of the execution."""
        document = _checkout(contact)
        known = self._events()
        response = self._call(EVENT_TO_MAIL, trigger_event, self.shop.request(document))
        assert response["statusCode"] == 202, response
        self._react(EVENT_TO_MAIL, known)
        return self._started()

    def mail(self, started: Json) -> str:
        """Run blocks until the first e-mail is sent; returns the message that SES received."""
        sent = self.shop.cloud.post.sent
        before, block = len(sent), "first-wait"
        for _ in ("the wait", "the mail"):
            done = self._call(EVENT_TO_MAIL, run_steps, {**started, "block": block})
            block = "reminder"
        assert (len(sent), done["next"]) == (before + 1, "wait"), done
        return str({tag["Name"]: tag["Value"] for tag in sent[-1]["EmailTags"]}["message"])

    def open(self, message: str) -> None:
        """SES reports that the e-mail was opened, and the waiting workflow continues."""
        known, awake = self._events(), self.shop.cloud.states.answered
        before = len(awake)
        batch = ses_event(message, "open", self.shop, timestamp=datetime.now(UTC).isoformat())
        assert self._call(OPENED_MAIL, trigger_email, batch) == {"batchItemFailures": []}
        self._react(OPENED_MAIL, known)
        assert len(awake) == before + 1, "nothing waited for the opening"

    def publish(self, title: str) -> None:
        """A marketer changes the live workflow."""
        path = f"workflows/{WORKFLOW}.json"
        body = json.dumps(_workflow() | {"title": title})
        key = f"{self.shop.store}/{path}"
        self.shop.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        answer = self._call(PUBLISH, publish, queued(changed_file(key)))
        assert answer == {"batchItemFailures": []}
        assert report(self.shop, f"workflows.{WORKFLOW}")["outcome"] == "published"

    def _call(self, path: str, handler: Handler, event: Any) -> Any:
        trace = self.traces.setdefault(path, Trace(LAYER, PACKAGE, EXCLUDED))
        if self.first:
            empty_caches(PACKAGE)
        with trace.running():
            return handler(event, None)

    def _events(self) -> set[str]:
        return {item["sk"]["S"] for item in self.shop.events()}

    def _react(self, path: str, known: set[str]) -> None:
        new = [item for item in self.shop.events() if item["sk"]["S"] not in known]
        assert new, "nothing was appended to the timeline"
        self._call(path, react, self.shop.cloud.stream(*new))

    def _started(self) -> Json:
        executions = self.shop.cloud.executions(machine_of(self.shop, WORKFLOW))
        started: Json = json.loads(max(executions, key=lambda each: each["startDate"])["input"])
        return started


def trace_paths() -> Mapping[str, tuple[Trace, Trace]]:
    """For each path: the trace of the first call and of the second."""
    import_all(PACKAGE)
    with _silence(), open_cloud() as cloud:
        shop = cloud.open_shop()
        upload(shop, _store())
        found = report(shop, f"workflows.{WORKFLOW}")
        assert found["outcome"] == "published", found
        first, again = Paths(shop, first=True), Paths(shop, first=False)
        first.walk("first")
        again.walk("again")
    return {path: (trace, again.traces[path]) for path, trace in first.traces.items()}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Print no logs and metrics. Powertools' logger keeps the output stream of its construction."""
    handlers = [
        h for h in logging.getLogger(PACKAGE).handlers if isinstance(h, logging.StreamHandler)
    ]
    before = [handler.stream for handler in handlers]
    with contextlib.redirect_stdout(io.StringIO()) as silence:
        for handler in handlers:
            handler.setStream(silence)
        try:
            yield
        finally:
            for handler, stream in zip(handlers, before, strict=True):
                handler.setStream(stream)


def _store() -> dict[str, str]:
    """The files of the store, by their paths in the bucket."""
    folder = REPOSITORY / "workflows"
    texts = {"settings.json": (folder / "settings.json").read_text("utf-8")}
    for file in sorted(folder.glob("*.json")):
        if file.name != "settings.json":
            texts[f"workflows/{file.name}"] = file.read_text("utf-8")
    for file in sorted([*folder.glob("templates/**/*.*"), *folder.glob("segments/*.json")]):
        texts[file.relative_to(folder).as_posix()] = file.read_text("utf-8")
    return texts | {f"workflows/{WORKFLOW}.json": json.dumps(_workflow())}


def _workflow() -> Json:
    file = REPOSITORY / "workflows" / f"{WORKFLOW}.json"
    document: Json = json.loads(file.read_text("utf-8"))
    *_, wait = document["steps"]
    wait |= {"id": "wait", "event": "Email Opened"}
    return document


def _checkout(contact: str) -> Json:
    return {
        "id": f"checkout-{contact}",
        "event": "Checkout Started",
        "occurred_at": _ago(),
        "contact": {
            "email": f"{contact}@mail.example",
            "first_name": "Noor",
            "locale": "en",
            "timezone": "Asia/Tehran",
            "consent": [{"topic": "offers", "state": "granted", "at": _ago(hours=2)}],
        },
        "properties": {
            "checkout_id": f"checkout-{contact}",
            "checkout_url": "https://shop.example.com/checkout",
            "total": 79.0,
            "currency": "USD",
            "products": [
                {
                    "product_id": "84129077355128061",
                    "name": "Saltmarsh Throw",
                    "price": 39.5,
                    "quantity": 2,
                    "url": "https://shop.example.com/products/1",
                    "image_url": "https://cdn.example.com/images/products/1/front.jpg",
                }
            ],
        },
    }


def _ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()
