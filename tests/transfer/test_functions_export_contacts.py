"""The export function: from an upload to export files, which can be imported."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.export_contacts.app import handler
from milepost.contacts.event import contact_id
from milepost.transfer.dynamodb.store_scan import DynamoStoreScan
from milepost.transfer.exports import exporter
from milepost.wiring import tables, transfer
from tests.support.aws_events import changed_file, queued
from tests.support.cloud import EMAIL, Cloud, Printed, Shop
from tests.support.handlers import tell
from tests.support.transfers import Context, bring, deliver, files, put, report, text


def lines(shop: Shop, kind: str) -> list[Any]:
    found = [key for key in report(shop, "exports")["files"] if f"/{kind}-" in key]
    return [json.loads(line) for key in found for line in text(f"{shop.store}/{key}").splitlines()]


def test_export_holds_everything_of_its_store_only(
    cloud: Cloud, shop: Shop, printed: Printed
) -> None:
    other = cloud.open_shop()
    printed.forbid(*other.secrets)
    tell(other, "Signed Up")
    tell(shop, "Signed Up")
    bring(shop, "exports/all.export.json", "")
    done = report(shop, "exports")
    assert done["outcome"] == "finished"
    assert done["lines"] == {"contacts": 1, "consents": 1, "events": 1, "identities": 1}
    (person,) = lines(shop, "contacts")
    assert person["email"] == EMAIL
    assert person["consent"]["offers"]["state"] == "granted"
    assert lines(shop, "events")[0]["event"] == "Signed Up"
    assert printed.counted("ExportsFinished") == 1
    assert files(other, "exports/") == []


def test_export_holds_only_requested_kinds(shop: Shop) -> None:
    tell(shop, "Signed Up")
    bring(shop, "exports/some.export.json", {"include": ["events"]})
    assert report(shop, "exports")["lines"] == {"events": 1}


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("{", "the file is not JSON"),
        ({"include": []}, "the file says nothing that is known"),
        ({"only": ["events"]}, "the file says nothing that is known"),
        ({"include": ["event"]}, "include may name contacts, events, "),
        ({"include": ["events", "events"]}, "include may name contacts, events, "),
        (b"\xff", "the file is not JSON"),
        ("[1]", "the file says nothing that is known"),
    ],
)
def test_invalid_export_file_is_rejected_with_remedy(
    shop: Shop, printed: Printed, asked: Any, problem: str
) -> None:
    bring(shop, "exports/all.export.json", asked)
    done = report(shop, "exports")
    assert done["outcome"] == "refused"
    assert done["problem"].startswith(problem)
    assert files(shop, "exports/all-") == []
    assert printed.counted("ExportsRefused") == 1


def test_long_export_continues_in_further_invocations(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = transfer.exporter()
    assert isinstance(usual.everything, DynamoStoreScan)
    small = replace(usual.everything, most=25)
    monkeypatch.setattr(transfer, "exporter", lambda: replace(usual, everything=small))
    monkeypatch.setattr(exporter, "MAX_HELD", 1)
    rows = "".join(f"p{n}@mail.example\n" for n in range(60))
    put(shop, "imports/many.import.json", {})
    bring(shop, "imports/many.csv", f"email\n{rows}")
    calls = bring(shop, "exports/all.export.json", "", looks=2)
    assert calls >= 4
    assert len({line["contact"] for line in lines(shop, "contacts")}) == 60
    assert len(lines(shop, "contacts")) == 60
    assert len(lines(shop, "events")) == 60


def test_repeated_message_changes_nothing(shop: Shop) -> None:
    tell(shop, "Signed Up")
    bring(shop, "exports/all.export.json", "")
    before = files(shop, "exports/")
    deliver(shop, "export", changed_file(f"{shop.store}/exports/all.export.json"))
    assert files(shop, "exports/") == before


def test_exported_contacts_can_be_imported_into_another_store(cloud: Cloud, shop: Shop) -> None:
    """All but consent: a contact who moves to another shop has not consented there."""
    there = cloud.open_shop()
    tell(shop, "Signed Up", contact={"email": EMAIL, "locale": "fa-IR", "properties": {"n": [1]}})
    bring(shop, "exports/all.export.json", {"include": ["contacts"]})
    (path,) = report(shop, "exports")["files"]
    put(there, "imports/moved.import.json", {})
    bring(there, "imports/moved.jsonl", text(f"{shop.store}/{path}"))
    assert report(there)["counts"]["created"] == 1
    here, moved = (
        tables.contacts().profile(each.store, contact_id(each.store, "email", EMAIL))
        for each in (shop, there)
    )
    assert here is not None
    assert moved is not None
    assert moved.as_data() == here.as_data()
    assert moved.consent == {}


@pytest.mark.parametrize("body", ["", "[]", '{"export": "x"}', changed_file("B/exports/a")])
def test_unrelated_upload_is_ignored(shop: Shop, body: Any) -> None:
    assert handler(queued(body), Context()) == {"batchItemFailures": []}


@pytest.mark.parametrize("path", ["exports/none.export.json", "exports/a.json"])
def test_missing_upload_is_ignored(shop: Shop, path: str) -> None:
    assert handler(queued(changed_file(f"{shop.store}/{path}")), Context()) == {
        "batchItemFailures": []
    }
