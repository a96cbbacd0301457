"""Every route of the template, with every key and id of another store: none gives access.

The routes come from the template, so a new route is tested at once.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from typing import Any
from uuid import UUID

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.privacy.app import handler as privacy
from milepost.base.signatures import sign_request
from milepost.contacts.event import contact_id
from milepost.wiring import core
from milepost_tools.openapi.routes import ROUTES
from tests.support.aws_events import queued
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import BUCKET, EMAIL, Cloud, Shop
from tests.support.events import load, names
from tests.support.handlers import pass_on, run, tell, upload
from tests.support.laws import how_many
from tests.support.port_recorder import request, target
from tests.support.wsgi import handler_of, routes

Json = dict[str, Any]
CLOSED = routes().keys() - {route.key for route in ROUTES if route.access == "anyone"}
QUIET = settings(
    max_examples=how_many(5),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Two:
    """Two stores with the same data about the same person; all values of the victim are marked."""

    attacker: Shop
    victim: Shop
    exported: str
    cursor: str

    @property
    def mark(self) -> str:
        return f"only {self.victim.store} knows"

    def of_others(self) -> list[Json]:
        """Everything in both tables and the bucket that is not the attacker's."""
        own, cloud = f"S#{self.attacker.store}#", self.attacker.cloud
        items = [*cloud.contacts(), *cloud.workflows()]
        files = cloud.s3.list_object_versions(Bucket=BUCKET, Prefix=f"{self.victim.store}/")
        kept = [{"file": v["Key"], "version": v["VersionId"]} for v in files.get("Versions", [])]
        strip = [i for i in items if not f"{i['pk']['S']}#".startswith(own)]
        return [*strip, *kept, {"markers": len(files.get("DeleteMarkers", []))}]


def live(cloud: Cloud, browser_key: str) -> Shop:
    shop = cloud.open_shop(browser_key=browser_key)
    mark = f"only {shop.store} knows"
    upload(shop, files_of(cart=workflow(send("first"), title=mark)))
    form = {"topics": ["news"], "consent_text": {"en": mark}}
    shop.settings(name=mark, forms={"footer": form})
    person = {
        "email": EMAIL,
        "first_name": mark,
        "external_id": "42",
        "consent": [
            {
                "topic": "offers",
                "state": "granted",
                "at": "2026-01-01T00:00:00Z",
                "consent_text": mark,
            }
        ],
    }
    for number in range(3):
        tell(shop, "Checkout Started", {"total": 150, "mark": mark}, contact=person, id=str(number))
    run(shop, "cart", "first")
    return shop


def called(shop: Shop, route: str, **more: Any) -> Json:
    """A call with the store's own bearer key."""
    asked = request(route, {"store": shop.store, **more.pop("path", {})}, **more)
    asked["headers"]["authorization"] = f"Bearer {shop.bearer}"
    answer = handler_of(routes()[route])(asked, None)
    assert answer["statusCode"] < 300, answer
    return dict(json.loads(answer["body"]))


def work_off() -> None:
    queue, url = boto3.client("sqs"), core.settings().privacy_queue
    while messages := queue.receive_message(QueueUrl=url).get("Messages"):
        for message in messages:
            privacy(queued(message["Body"]), None)
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture(scope="module")
def two(cloud: Cloud) -> Iterator[Two]:
    attacker, victim = live(cloud, "browser-canary-a"), live(cloud, "browser-canary-v")
    path = {"contact": contact_id(victim.store, "email", EMAIL)}
    asked = called(victim, "POST /v1/{store}/contacts/{contact}/export", path=path)
    work_off()
    page = called(
        victim, "GET /v1/{store}/contacts/{contact}/timeline", path=path, query={"limit": "1"}
    )
    made = Two(attacker, victim, asked["id"], page["next"])
    assert made.mark in json.dumps(page)
    before = made.of_others()
    assert len(before) > 20
    yield made
    work_off()
    assert made.of_others() == before, "the victim is as it was before all tests"


def keys(shop: Shop) -> st.SearchStrategy[str]:
    hashed = sha256(shop.bearer.encode()).hexdigest()
    secrets = [shop.signing, shop.bearer, shop.shopify, shop.links]
    return st.sampled_from([*secrets, "browser-canary-a", hashed, ""])


def paths(two: Two, store: str) -> st.SearchStrategy[Json]:
    """Path parameters, mainly names of the victim's data."""
    victim, attacker = two.victim, two.attacker
    theirs = contact_id(victim.store, "email", EMAIL)
    own = contact_id(attacker.store, "email", EMAIL)
    return st.fixed_dictionaries(
        {
            "store": st.just(store),
            "contact": st.sampled_from([theirs, own, f"{own}#C#{theirs}", f"S#{victim.store}"]),
            "list": st.sampled_from(["vip", victim.store, "../x"]),
            "name": st.sampled_from(["vip", victim.store, "../x"]),
            "request": st.sampled_from([two.exported, "r" + "0" * 32]),
            "token": st.sampled_from([victim.token(theirs), attacker.token(theirs), "x"]),
            "source": st.sampled_from(["shopify", victim.store]),
            "form": st.sampled_from(["footer", f"../{victim.store}"]),
        }
    )


def bodies(two: Two) -> st.SearchStrategy[Json]:
    """Every kind of body that a route accepts, about the victim's data."""
    theirs = contact_id(two.victim.store, "email", EMAIL)
    event = {"event": "Order Completed", "contact": {"email": EMAIL, "external_id": theirs}}
    samples = [
        load(source, name).body
        for source in ("shopify", "shopify_compliance")
        for name in names(source)
    ]
    return st.sampled_from(
        [
            event,
            {"batch": [event, {**event, "id": f"S#{two.victim.store}#C#{theirs}"}]},
            {"email": EMAIL},
            {
                "key": "browser-canary-a",
                "device": str(UUID(int=7, version=4)),
                "events": [
                    {"id": "1", "name": "Page Viewed", "properties": {"store": two.victim.store}}
                ],
                "token": two.victim.token(theirs),
            },
            {"external_id": theirs},
            {"contact": {"email": EMAIL, "properties": {"store": two.victim.store}}},
            {"topic": "offers", "state": "withdrawn", "source": two.victim.store},
            {"properties": {"x": two.victim.store}},
            *samples,
        ]
    )


QUERIES = st.sampled_from(["", "cursor", "limit", "scope"])
TOPICS = st.sampled_from(
    ["checkouts/create", "customers/redact", "customers/data_request", "shop/redact"]
)


def attempt(two: Two, route: str, store: str, key: str, data: st.DataObject) -> Json:
    """One call of a route, signed in every way that a key allows."""
    query = {
        "": {},
        "cursor": {"cursor": two.cursor},
        "limit": {"limit": "1"},
        "scope": {"scope": "all"},
    }[data.draw(QUERIES)]
    body = json.dumps(data.draw(bodies(two))).encode()
    template_parts = {part[1:-1] for part in route.split("/") if part.startswith("{")}
    drawn = data.draw(paths(two, store))
    parts = {name: drawn[name] for name in template_parts}
    asked = request(route, parts, body=body, query=query)
    hmac = b64encode(digest(key.encode(), body, sha256)).decode()
    asked["headers"] |= {"x-shopify-hmac-sha256": hmac, "x-shopify-topic": data.draw(TOPICS)}
    if data.draw(st.booleans()):
        asked["headers"]["authorization"] = f"Bearer {key}"
    else:
        header = sign_request(target(asked), body, key, datetime.now(UTC))
        asked["headers"]["milepost-signature"] = header
    return dict(handler_of(routes()[route])(asked, None))


@pytest.mark.parametrize("route", sorted(CLOSED))
@QUIET
@given(st.data())
def test_key_of_one_store_is_refused_by_another_on_any_route(
    two: Two, route: str, data: st.DataObject
) -> None:
    """Except forms, snippets and the links of the victim's own mails, which are public."""
    before = two.of_others()
    key = data.draw(keys(two.attacker))
    answer = attempt(two, route, two.victim.store, key, data)
    assert answer["statusCode"] in {401, 404}, answer
    assert two.mark not in answer["body"]
    assert two.of_others() == before


@pytest.mark.parametrize("route", sorted(routes()))
@QUIET
@given(st.data())
def test_store_request_never_reads_or_changes_another_store(
    two: Two, route: str, data: st.DataObject
) -> None:
    """The attacker uses its own keys, with ids, cursors, links and names of the victim's data."""
    before = two.of_others()
    key = data.draw(keys(two.attacker))
    answer = attempt(two, route, two.attacker.store, key, data)
    assert answer["statusCode"] < 500, answer
    assert two.mark not in answer["body"]
    known = {item["sk"]["S"] for item in two.attacker.events()[:-1]}
    pass_on(two.attacker, known)
    assert two.of_others() == before


def test_erasure_with_foreign_id_erases_only_own_data(two: Two) -> None:
    """A link that the attacker signs creates a contact with the victim's id in the attacker's
    store."""
    theirs = contact_id(two.victim.store, "email", EMAIL)
    before = two.of_others()
    post = "POST /v1/{store}/unsubscribe/{token}"
    path = {"store": two.attacker.store, "token": two.attacker.token(theirs)}
    asked = request(post, path, body=b"List-Unsubscribe=One-Click")
    assert handler_of(routes()[post])(asked, None)["statusCode"] == 200
    pk = f"S#{two.attacker.store}#C#{theirs}"
    assert [i for i in two.attacker.items() if i["pk"]["S"] == pk]
    called(two.attacker, "DELETE /v1/{store}/contacts/{contact}", path={"contact": theirs})
    work_off()
    left = {i["sk"]["S"] for i in two.attacker.items() if i["pk"]["S"] == pk}
    assert left == {"ERASED"}
    assert two.of_others() == before
