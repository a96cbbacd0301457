"""The sender of an e-mail."""

from typing import Any

import pytest

from milepost.sending.senders import FromIdentity, from_identity, senders_named
from milepost.stores.settings import StoreSettings

ANNA = {"name": "Anna from Harborline", "address": "anna@mail.shop.example"}
BEN = {"name": "Ben", "address": "ben@mail.shop.example", "reply_to": "desk@shop.example"}
SETTINGS = StoreSettings(
    name="Harborline",
    reply_to="hello@shop.example",
    senders={"anna": ANNA, "ben": BEN, "lamp": {"name": "Your lamp"}},
)
STORE = FromIdentity("Harborline", "", "hello@shop.example")
AS_ANNA = FromIdentity("Anna from Harborline", "anna@mail.shop.example", "hello@shop.example")
AS_BEN = FromIdentity("Ben", "ben@mail.shop.example", "desk@shop.example")


def sender_of(owner: Any = None, variant: str = "", **node: Any) -> FromIdentity:
    data = {"contact": {"properties": {} if owner is None else {"owner": owner}}}
    given = {name.rstrip("_"): value for name, value in node.items()}
    return from_identity(given, variant, data, SETTINGS)


def test_sender_is_store_unless_step_names_one() -> None:
    assert sender_of() == STORE
    assert sender_of(from_="anna") == AS_ANNA
    assert sender_of(from_="lamp") == FromIdentity("Your lamp", "", "hello@shop.example")
    assert sender_of(from_="ben") == AS_BEN


def test_name_and_reply_to_of_step_override_sender() -> None:
    assert sender_of(from_="ben", from_name="B.", reply_to="b@shop.example") == FromIdentity(
        "B.", "ben@mail.shop.example", "b@shop.example"
    )


@pytest.mark.parametrize("owner", ["anna", " Anna ", "anna@mail.shop.example"])
def test_sender_is_found_by_path_in_data(owner: str) -> None:
    assert sender_of(owner, from_="contact.properties.owner") == AS_ANNA


@pytest.mark.parametrize(
    "owner",
    [
        None,
        "",
        "carl",
        7,
        True,
        ["anna"],
        {"name": "anna"},
        "evil@attacker.example",
        "Anna <evil@attacker.example>",
        "anna\r\nBcc: evil@attacker.example",
    ],
)
def test_undeclared_sender_in_data_is_ignored(owner: Any) -> None:
    place = "contact.properties.owner"
    assert sender_of(owner, from_=place, reply_to=place) == STORE


def test_reply_to_is_found_by_path_in_data() -> None:
    place = "contact.properties.owner"
    assert sender_of("anna", reply_to=place) == STORE._replace(reply_to="anna@mail.shop.example")
    assert sender_of("ben", reply_to=place) == STORE._replace(reply_to="desk@shop.example")
    assert sender_of("lamp", reply_to=place) == STORE, "it has no address of its own"
    assert sender_of(reply_to="anna").reply_to == "anna@mail.shop.example"


def test_each_variant_can_have_its_own_sender() -> None:
    variants = [{"name": "a", "from": "anna"}, {"name": "b"}, {"name": "c", "from": "gone"}]
    assert sender_of(variant="a", variants=variants, from_="ben") == AS_ANNA
    assert sender_of(variant="a", variants=variants, from_="ben", from_name="B.") == AS_ANNA
    assert sender_of(variant="b", variants=variants, from_="ben") == AS_BEN
    assert sender_of(variant="c", variants=variants, from_name="B.").name == "B."


def test_removed_sender_falls_back_to_store() -> None:
    assert sender_of(from_="carl") == STORE
    assert from_identity({"from": "anna"}, "", {}, StoreSettings(name="H")) == FromIdentity(
        "H", "", ""
    )


def test_senders_named_lists_ids_by_field() -> None:
    step = {
        "from": "anna",
        "reply_to": "ben",
        "variants": [{"from": "contact.properties.owner"}, {"from": "lamp"}, {}],
    }
    assert senders_named(step) == {"from": "anna", "reply_to": "ben", "variants[1].from": "lamp"}
    assert senders_named({"reply_to": "a@shop.example", "from": "event.by"}) == {}
