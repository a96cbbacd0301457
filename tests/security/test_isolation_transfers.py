"""No file of one store reads, changes, erases or exports data of another."""

import json
from typing import Any

import pytest

from functions.import_contacts.app import handler as import_contacts
from milepost.contacts.event import contact_id
from tests.support.aws_events import queued
from tests.support.cloud import EMAIL, Cloud, Shop
from tests.support.handlers import tell
from tests.support.transfers import Context, bring, files, put, report, text

Json = dict[str, Any]


@pytest.fixture
def two(cloud: Cloud) -> tuple[Shop, Shop]:
    attacker, victim = cloud.open_shop(), cloud.open_shop()
    for shop in (attacker, victim):
        tell(shop, "Signed Up")
        put(shop, "imports/people.import.json", {"lists": ["vip"]})
        bring(shop, "imports/people.csv", f"email,city\n{EMAIL},{shop.store}\n")
    return attacker, victim


def everything(shop: Shop) -> list[Json]:
    return [*shop.items(), *shop.cloud.workflows(f"S#{shop.store}")]


def test_import_naming_another_store_changes_nothing_there(
    two: tuple[Shop, Shop],
) -> None:
    attacker, victim = two
    contact = contact_id(victim.store, "email", EMAIL)
    names = [f"S#{victim.store}#C#{contact}", f"#C#{contact}", f"../{victim.store}", contact]
    rows = [
        {"id": name, "email": EMAIL, "contact": contact, "store": victim.store} for name in names
    ]
    before = everything(victim)
    put(attacker, "imports/odd.import.json", {})
    bring(attacker, "imports/odd.jsonl", "\n".join(map(json.dumps, rows)))
    assert everything(victim) == before


def test_import_id_of_another_store_reverts_nothing(two: tuple[Shop, Shop]) -> None:
    attacker, victim = two
    before = everything(victim)
    id_ = report(victim)["import"]
    bring(attacker, f"imports/{id_}.undo.json", "")
    message = {"store": attacker.store, "import": id_, "call_no": 0}
    assert import_contacts(queued(message), Context()) == {"batchItemFailures": []}
    assert everything(victim) == before


@pytest.mark.parametrize("path", ["../{}/imports/people.csv", "imports/../../{}/people.csv"])
def test_path_selects_only_its_own_store(two: tuple[Shop, Shop], path: str) -> None:
    attacker, victim = two
    before = everything(victim)
    bring(attacker, "imports/x.csv", "email\n")
    put(attacker, path.format(victim.store), f"email\n{EMAIL}\n")
    body = {"detail": {"object": {"key": f"{attacker.store}/{path.format(victim.store)}"}}}
    assert import_contacts(queued(body), Context()) == {"batchItemFailures": []}
    assert everything(victim) == before


def test_export_contains_nothing_of_another_store(two: tuple[Shop, Shop]) -> None:
    attacker, victim = two
    bring(attacker, "exports/all.export.json", "")
    told = " ".join(text(key) for key in files(attacker, "exports/all-"))
    assert EMAIL in told
    assert victim.store not in told
    assert contact_id(victim.store, "email", EMAIL) not in told
    assert files(victim, "exports/") == []
