"""No store can read or change another, on any route, with any credential and any input."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.await_event.app import handler as await_event
from functions.preferences.app import handler as preferences
from functions.react.app import handler as react
from functions.run_steps.app import handler as run_steps
from functions.trigger_browser.app import handler as trigger_browser
from functions.trigger_email.app import handler as trigger_email
from functions.trigger_event.app import handler as trigger_event
from functions.trigger_form.app import handler as trigger_form
from functions.trigger_webhook.app import handler as trigger_webhook
from functions.unsubscribe.app import handler as unsubscribe
from functions.view.app import handler as view
from milepost.base.signatures import sign_body
from milepost.contacts.event import contact_id
from milepost.sending.links import (
    ConfirmationLink,
    DeviceLink,
    PreferencesLink,
    UnsubscribeLink,
    ViewLink,
    seal_confirmation,
    seal_preferences,
    seal_visit,
    sign_unsubscribe_link,
    sign_view_link,
)
from milepost.wiring import tables
from tests.support.aws_events import posted, queued, sample, told_by_sns
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Cloud, Printed, Shop
from tests.support.events import load, signed_shopify
from tests.support.handlers import enrolled, run, tell, upload
from tests.support.laws import how_many
from tests.support.visitors import DEVICE, form_post, look, press
from tests.support.visitors import request as visit

Json = dict[str, Any]
QUIET = settings(
    max_examples=how_many(80),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Two:
    """Two stores with the same data: the same workflow, the same person, a sent mail."""

    attacker: Shop
    victim: Shop

    def of_the_victim(self) -> list[Json]:
        """All data of the victim, in both tables."""
        return [*self.victim.items(), *self.victim.cloud.workflows(f"S#{self.victim.store}")]

    def of_others(self) -> list[Json]:
        """Everything in the contacts table that is not the attacker's."""
        own = f"S#{self.attacker.store}#"
        return [i for i in self.attacker.cloud.contacts() if not i["pk"]["S"].startswith(own)]


def open_life(cloud: Cloud) -> Shop:
    shop = cloud.open_shop(browser_key="public")
    upload(shop, files_of(cart=workflow(send("reminder"), title=f"Secrets of {shop.store}")))
    shop.settings(
        name=f"Name of {shop.store}",
        topics={"offers": f"Topic of {shop.store}"},
        forms={"footer": {"topics": ["offers"], "consent_text": "Yes"}},
    )
    trigger_form(form_post(shop), None)
    tell(shop, "Checkout Started", {"total": 150})
    run(shop, "cart", "reminder")
    return shop


@pytest.fixture(scope="module")
def two(cloud: Cloud) -> Iterator[Two]:
    made = Two(open_life(cloud), open_life(cloud))
    before = made.of_the_victim()
    assert len(before) > 8
    yield made
    assert made.of_the_victim() == before, "the victim is as it was before all tests"


def contact(shop: Shop) -> str:
    return contact_id(shop.store, "email", EMAIL)


def message(shop: Shop) -> str:
    (item,) = shop.items("MESSAGE#")
    return str(item["sk"]["S"].removeprefix("MESSAGE#"))


# --- the attacker's credentials on the victim's routes ---


def credentials(shop: Shop) -> dict[str, str]:
    return {
        "signing": shop.signing,
        "bearer": shop.bearer,
        "shopify": shop.shopify,
        "links": shop.links,
        "bearer hash": sha256(shop.bearer.encode()).hexdigest(),
        "empty": "",
        "name": shop.store,
    }


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def unsubscribe_request(store: str, token: str, method: str) -> Json:
    request = posted("unsubscribe.post", b"scope=all", as_base64=True, store=store, token=token)
    request["requestContext"]["http"]["method"] = method
    return request


@QUIET
@given(
    st.sampled_from(
        ["events", "bearer", "webhook", "GET", "POST", "preferences", "view", "confirm", "browser"]
    ),
    st.sampled_from(
        sorted(["signing", "bearer", "shopify", "links", "bearer hash", "empty", "name"])
    ),
    st.booleans(),
    texts,
)
def test_key_of_one_store_is_refused_by_another(
    two: Two, route: str, which: str, names_the_victim: bool, word: str
) -> None:
    key = credentials(two.attacker)[which]
    store = two.victim.store
    claimed = store if names_the_victim else two.attacker.store
    body = json.dumps({"event": word or "E", "contact": {"email": EMAIL}, "id": "x"}).encode()
    match route:
        case "events":
            headers = {"milepost-signature": sign_body(body, key, datetime.now(UTC))}
            response = trigger_event(posted("events.post", body, headers, store=store), None)
        case "bearer":
            headers = {"authorization": f"Bearer {key}"}
            response = trigger_event(posted("events.post", body, headers, store=store), None)
        case "webhook":
            raw, headers = signed_shopify(load("shopify", "checkouts.create"), key)
            headers["x-shopify-shop-domain"] = f"{claimed}.myshopify.com"
            request = posted("webhook.post", raw, headers, store=store, source="shopify")
            response = trigger_webhook(request, None)
        case "preferences":
            mine = PreferencesLink(claimed, contact(two.victim), message(two.victim))
            token = seal_preferences(mine, key)
            response = preferences(press(two.victim, token, "action=all"), None)
        case "view":
            mail = ViewLink(claimed, contact(two.victim), message(two.victim))
            response = view(look(two.victim, sign_view_link(mail, key)), None)
        case "confirm":
            (item,) = two.victim.events("Opt-In Requested")
            at = datetime.fromisoformat(item["at"]["S"])
            wanted = ConfirmationLink(claimed, contact(two.victim), "footer", item["id"]["S"], at)
            token = seal_confirmation(wanted, key)
            response = trigger_form(press(two.victim, token, "action=confirm"), None)
        case "browser":
            mark = seal_visit(DeviceLink(claimed, contact(two.victim), datetime.now(UTC)), key)
            said = json.dumps({"key": key, "device": DEVICE, "events": [], "token": mark})
            response = trigger_browser(visit("events.post", "POST", said, store=store), None)
        case _:
            claim = UnsubscribeLink(claimed, contact(two.victim), "offers", message(two.victim))
            response = unsubscribe(
                unsubscribe_request(store, sign_unsubscribe_link(claim, key), route), None
            )
    before = two.of_the_victim()
    assert response["statusCode"] in {401, 404}
    assert f"Name of {store}" not in response["body"]
    assert f"Topic of {store}" not in response["body"]
    assert two.of_the_victim() == before


def hostile(two: Two) -> list[str]:
    """Texts that would select the victim's data if a key or path were built carelessly."""
    victim = two.victim.store
    own = contact(two.victim)
    return [
        victim,
        own,
        f"S#{victim}#C#{own}",
        f"{two.attacker.store}#C#x\nS#{victim}",
        f"#C#{own}",
        f"../{victim}",
        f"{victim}/settings.json",
        message(two.victim),
        f"{own}-{'0' * 24}",
    ]


@QUIET
@given(st.data())
def test_body_posted_to_one_store_never_changes_another(two: Two, data: st.DataObject) -> None:
    """The attacker uses its own key; every field contains names of the victim's data."""
    names = hostile(two)
    word = st.sampled_from([*names, EMAIL]) | texts
    contact_fields = {
        name: data.draw(word)
        for name in data.draw(st.sets(st.sampled_from(["external_id", "device_id", "phone"])))
    }
    event = {
        "id": data.draw(word),
        "event": data.draw(st.sampled_from(["Checkout Started", "Email Bounced", *names]) | texts),
        "contact": {"email": EMAIL, **contact_fields},
        "properties": {
            "enrollment": enrolled(two.victim, "cart")["enrollment"]["id"],
            "message": message(two.victim),
            "store": two.victim.store,
            "checkout_id": data.draw(word),
        },
    }
    before = two.of_others()
    response = trigger_event(two.attacker.request(event), None)
    assert response["statusCode"] in {200, 202, 400, 422}
    assert two.victim.store not in response["body"].replace(json.dumps(event["id"]), "")
    appended = two.attacker.events()
    react(two.attacker.cloud.stream(*appended[-1:]), None)
    assert two.of_others() == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_link_works_only_for_its_store(two: Two, method: str) -> None:
    """The attacker signs the victim's contact id with its own key: that is its own contact."""
    claim = UnsubscribeLink(two.attacker.store, contact(two.victim), "offers", message(two.victim))
    token = sign_unsubscribe_link(claim, two.attacker.links)
    before = two.of_others()
    response = unsubscribe(unsubscribe_request(two.attacker.store, token, method), None)
    assert response["statusCode"] == 200
    assert two.victim.store not in response["body"]
    assert two.of_others() == before


# --- input from AWS ---


@pytest.mark.parametrize("kind", ["bounce.permanent", "complaint", "click", "reject"])
def test_delivery_event_of_one_store_cannot_change_another(
    two: Two, printed: Printed, kind: str
) -> None:
    """The tags name the message and the store; a store's ledger has no message of another store."""
    event = sample("ses", kind)
    event["mail"]["tags"] |= {"message": [message(two.attacker)], "store": [two.victim.store]}
    before = two.of_others()
    assert trigger_email(queued(told_by_sns(event)), None) == {"batchItemFailures": []}
    assert printed.counted("EmailEventsUnknown") == 1
    assert two.of_others() == before
    assert not two.victim.cloud.contacts(f"S#{two.victim.store}#X#")


@pytest.mark.parametrize("field", ["store", "contact", "workflow", "id"])
def test_enrollment_ref_mixing_two_stores_is_refused(two: Two, field: str) -> None:
    ref = enrolled(two.attacker, "cart")["enrollment"]
    mixed = ref | {field: enrolled(two.victim, "cart")["enrollment"][field]}
    if mixed == ref:
        mixed = ref | {field: "other"}
    before = two.of_others()
    sent = len(two.victim.cloud.post.sent)
    with pytest.raises((LookupError, throttled_error())):
        run_steps({"enrollment": mixed, "block": "reminder"}, None)
    assert len(two.victim.cloud.post.sent) == sent
    assert two.of_others() == before


def throttled_error() -> type[Exception]:
    from milepost.base.errors import ThrottledError

    return ThrottledError


def test_wait_of_another_store_is_not_registered(two: Two) -> None:
    ref = enrolled(two.attacker, "cart")["enrollment"] | {"store": two.victim.store}
    task = sample("aws", "stepfunctions.await") | {"enrollment": ref, "step": "reminder"}
    before = two.of_others()
    with pytest.raises((KeyError, throttled_error())):
        await_event(task, None)
    assert two.of_others() == before


def test_same_address_in_two_stores_is_two_contacts(two: Two) -> None:
    assert contact(two.attacker) != contact(two.victim)
    attacker = tables.contacts().profile(two.attacker.store, contact(two.victim))
    assert attacker is None or attacker.email is None


def test_file_of_one_store_publishes_only_that_store(two: Two) -> None:
    before = two.of_the_victim()
    upload(two.attacker, {f"workflows/{two.victim.store}.json": workflow(send("a"))})
    upload(two.attacker, {"templates/../../x/subject.txt": "x"})
    upload(two.attacker, {}, deleted=("workflows/cart.json",))
    assert two.of_the_victim() == before


@QUIET
@given(st.text(max_size=12) | st.text(alphabet="abz019-#/._ \n\\%", max_size=35))
def test_invalid_store_name_in_path_is_refused(two: Two, name: str) -> None:
    for handler, shape in (
        (trigger_event, "events.post"),
        (trigger_webhook, "webhook.post"),
        (trigger_form, "events.post"),
        (trigger_form, "unsubscribe.post"),
        (trigger_browser, "events.post"),
        (preferences, "unsubscribe.post"),
        (view, "unsubscribe.get"),
        (unsubscribe, "unsubscribe.post"),
    ):
        assert handler(posted(shape, "{}", store=name), None)["statusCode"] == 404
