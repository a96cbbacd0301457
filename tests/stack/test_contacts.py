"""Contacts on the deployed template: forms, pages, API, segments, dates, newsletters, files.

Each test goes through functions with roles of their own, which are enforced here.
"""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.demo.shoppers import CAST, STORE
from tests.stack.conftest import Deployed
from tests.support.store_api import Json, StoreApi
from tests.support.waiting import until

pytestmark = pytest.mark.stack

PATIENCE = 60


@pytest.fixture(scope="module")
def api(deployed: Deployed) -> StoreApi:
    return StoreApi(deployed.stack.api_url, STORE, deployed.secrets.bearer_key)


def put(deployed: Deployed, path: str, content: Json | str) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    bucket = deployed.stack.outputs["BucketName"]
    deployed.stack.aws.s3.put_object(Bucket=bucket, Key=f"{STORE}/{path}", Body=text.encode())


def read(deployed: Deployed, prefix: str) -> dict[str, str]:
    """The texts of all files below a path prefix."""
    s3, bucket = deployed.stack.aws.s3, deployed.stack.outputs["BucketName"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{STORE}/{prefix}").get("Contents", [])
    keys = [each["Key"] for each in found]
    return {
        key.partition("/")[2]: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        for key in keys
    }


def known(api: StoreApi, email: str, **contact: Any) -> str:
    """Create a contact, and wait until it exists."""
    api.call("POST", "/contacts", {"contact": {"email": email, **contact}})
    until(lambda: api.find(email) is not None, f"{email} to be known", PATIENCE)
    found = api.find(email)
    assert found is not None
    return str(found["id"])


def consented(deployed: Deployed) -> Json:
    at = (deployed.now() - timedelta(hours=1)).isoformat()
    return {"topic": "offers", "state": "granted", "at": at}


def mails_to(deployed: Deployed, email: str) -> list[Json]:
    return deployed.story.inbox.mails_to(email)


def test_contact_is_created_changed_listed_and_read(deployed: Deployed, api: StoreApi) -> None:
    contact = known(api, "nora@mail.example", first_name="Nora")
    api.call("PATCH", f"/contacts/{contact}", {"properties": {"size": "M"}})
    api.call("PUT", f"/contacts/{contact}/lists/club")
    api.call("POST", f"/contacts/{contact}/consents", consented(deployed))

    def settled() -> bool:
        found = api.call("GET", f"/contacts/{contact}")
        return "club" in json.dumps(found) and '"size": "M"' in json.dumps(found)

    until(settled, "the changes to be applied", PATIENCE)
    until(
        lambda: api.call("GET", "/lists/club/members")["members"] != [],
        "the list to have a member",
        PATIENCE,
    )
    assert api.call("GET", f"/contacts/{contact}/consents")["items"]
    assert api.call("GET", f"/contacts/{contact}/messages")["items"] == []


def test_new_segment_backfills_existing_contacts(deployed: Deployed, api: StoreApi) -> None:
    contact = known(api, "omar@mail.example", properties={"tier": "gold"})
    condition = {"contact": "properties.tier", "is": "gold"}
    put(deployed, "segments/gold.json", {"title": "Gold", "condition": condition})

    def inside() -> bool:
        answer = httpx.get(
            f"{api.url}/v1/{STORE}/segments/gold/members",
            headers={"authorization": f"Bearer {api.key}"},
            timeout=30,
        )
        return answer.is_success and [m["contact"] for m in answer.json()["members"]] == [contact]

    until(inside, "the segment to be filled", 180)
    preview = api.call("POST", "/segments/preview", {"condition": condition})
    assert contact in json.dumps(preview)


def test_sign_up_is_confirmed_by_mail(deployed: Deployed, api: StoreApi) -> None:
    email = f"{uuid4().hex[:8]}@mail.example"
    answer = httpx.post(
        f"{api.url}/v1/{STORE}/forms/footer",
        data={"email": email, "first_name": "Pia", "locale": "en"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    until(lambda: mails_to(deployed, email) != [], "the mail that asks", PATIENCE)
    link = deployed.story.inbox.link_of(mails_to(deployed, email)[0], "/confirm/")
    assert httpx.get(link, timeout=30).status_code == 200
    assert httpx.post(link, data={"action": "confirm"}, timeout=30).status_code == 200
    contact = api.find(email)
    assert contact is not None
    until(
        lambda: "Form Submitted" in json.dumps(api.events(contact["id"], "Form Submitted")),
        "the confirmed sign-up",
        PATIENCE,
    )
    proofs = api.call("GET", f"/contacts/{contact['id']}/consents")["items"]
    assert {"news", "offers"} <= {proof["topic"] for proof in proofs}


def test_browsing_events_of_visitor_are_recorded(deployed: Deployed, api: StoreApi) -> None:
    deployed.stack.aws.ssm.put_parameter(
        Name=f"/{deployed.stack.name}/{STORE}/browser-key",
        Value="wk-1234567890",
        Type="String",
        Overwrite=True,
    )
    script = httpx.get(f"{api.url}/v1/{STORE}/milepost.js", timeout=30)
    assert script.status_code == 200
    assert "javascript" in script.headers["content-type"]
    report = {
        "key": "wk-1234567890",
        "device": str(uuid4()),
        "events": [{"id": uuid4().hex, "name": "Product Viewed", "properties": {"sku": "A-1"}}],
    }

    def taken() -> bool:
        answer = httpx.post(f"{api.url}/v1/{STORE}/browser", json=report, timeout=30)
        return answer.status_code == 202

    until(taken, "the new key to be known", 90)


def test_recipient_saves_preferences(deployed: Deployed) -> None:
    theo = next(shopper for shopper in CAST if shopper.name == "Theo")
    mail = deployed.story.inbox.mails_of(theo)[0]
    link = deployed.story.inbox.link_of(mail, "/preferences/")
    assert httpx.get(link, timeout=30).status_code == 200
    assert httpx.post(link, data={"action": "snooze"}, timeout=30).status_code == 200


def test_birthday_and_newsletter_are_sent_on_time(deployed: Deployed, api: StoreApi) -> None:
    for name, text in {"subject.txt": "Hello", "body.html": PLAIN}.items():
        put(deployed, f"templates/plain/{name}", text)
    send = [{"id": "mail", "type": "send_email", "template": "plain"}]
    readers = {"title": "Friends", "condition": {"contact": "properties.news", "is": True}}
    at = deployed.now() + timedelta(hours=24)
    put(deployed, "segments/friends.json", readers)
    put(
        deployed,
        "workflows/birthday.json",
        {
            "title": "Birthday",
            "topic": "offers",
            "steps": send,
            "trigger": {"type": "date", "field": "properties.birthday", "at": f"{at:%H:%M}"},
        },
    )
    until(
        lambda: "birthday" in deployed.head().workflows and "friends" in deployed.head().segments,
        "the workflow and the segment to go live",
        PATIENCE,
    )
    email = "quim@mail.example"
    contact = known(
        api,
        email,
        properties={"birthday": f"1990-{at:%m-%d}", "news": True},
        timezone="UTC",
        consent=[consented(deployed)],
    )
    put(
        deployed,
        "workflows/news.json",
        {
            "title": "News",
            "topic": "offers",
            "steps": send,
            "trigger": {
                "type": "schedule",
                "at": f"{at:%Y-%m-%dT%H:%M}",
                "timezone": "UTC",
                "segment": "friends",
            },
        },
    )
    until(lambda: api.events(contact, "Date Reached") != [], "the birthday", 120)
    until(lambda: api.events(contact, "Schedule Reached") != [], "the newsletter", 90)
    until(lambda: len(mails_to(deployed, email)) == 2, "their mails", PATIENCE)


def test_contacts_are_imported_and_store_is_exported(deployed: Deployed, api: StoreApi) -> None:
    put(
        deployed, "imports/people.import.json", {"columns": {"Mail": "email", "Name": "first_name"}}
    )
    put(deployed, "imports/people.csv", "Mail,Name\nrosa@mail.example,Rosa\nnobody,Nobody\n")
    until(lambda: api.find("rosa@mail.example") is not None, "the import", PATIENCE)
    until(lambda: "nobody" not in "".join(read(deployed, "reports/imports.")), "its report", 5)
    put(deployed, "exports/all.export.json", {})
    until(
        lambda: "rosa@mail.example" in "".join(read(deployed, "exports/").values()),
        "the export",
        120,
    )


def test_contact_is_exported_and_erased(deployed: Deployed, api: StoreApi) -> None:
    contact = known(api, "sami@mail.example")
    copy = api.call("POST", f"/contacts/{contact}/export")["id"]
    until(lambda: api.call("GET", f"/privacy/{copy}")["status"] == "done", "the copy", PATIENCE)
    assert "sami@mail.example" in read(deployed, f"exports/{copy}")[f"exports/{copy}.json"]
    api.call("DELETE", f"/contacts/{contact}")
    until(lambda: api.find("sami@mail.example") is None, "the erasure", PATIENCE)


PLAIN = """<!doctype html><html lang="en"><body><p>Hello</p>
<p><a href="{{ urls.unsubscribe }}">Unsubscribe</a> {{ store.postal_address }}</p></body></html>"""
