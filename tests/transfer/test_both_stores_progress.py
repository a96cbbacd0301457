"""The contract of the import and export ports, in memory and in DynamoDB."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from milepost.base.addresses import address_hash
from milepost.base.problems import Problem
from milepost.contacts.event import ContactUpdate, Event
from milepost.contacts.profile import Profile, apply_event
from milepost.stores.settings import StoreSettings
from milepost.transfer.exports.progress import Export
from milepost.transfer.imports.plan import Column, Plan
from milepost.transfer.imports.progress import Counts, Import, RevertCounts
from milepost.transfer.ports import FileVersion
from tests.support.builders import ADA, MONDAY_NOON, STORE, consent_fact, contact, enrollment, event
from tests.support.ports import Ports

if TYPE_CHECKING:
    from milepost.transfer.imports.ports import Identifier


SETTINGS = StoreSettings(shop_topics=("offers",))
WITHDRAWN = ContactUpdate(consents=(consent_fact(state="withdrawn"),))
SIGNED_UP = event("Signed Up", contact=ContactUpdate({"first_name": "Ada"}))


def append_and_apply(ports: Ports, *events: Event, applied: int = 1) -> None:
    """Append the events and store the profile that `react` makes of them."""
    before = ports.contacts.profile(STORE, contact())
    after = before or Profile(STORE, contact())
    for each in events:
        ports.timeline.append(contact(), each)
        ports.contacts.claim_identifiers(contact(), each)
        ports.contacts.record_consent(contact(), each, ("offers",))
        after = apply_event(after, each, SETTINGS)
    assert ports.contacts.apply(before, replace(after, last_sequence=applied))


# --- people ---


def test_owners_returns_only_claimed_identifiers(ports: Ports) -> None:
    append_and_apply(ports, event(identifiers={"email": ADA, "external_id": "7"}))
    wanted: set[Identifier] = {("email", ADA), ("external_id", "7"), ("phone", "+33612345678")}
    assert ports.people.owners(STORE, wanted) == {
        ("email", ADA): contact(),
        ("external_id", "7"): contact(),
    }
    assert ports.people.owners("another", wanted) == {}


def test_profiles_are_read_in_bulk_without_unknown_contacts(ports: Ports) -> None:
    append_and_apply(ports, SIGNED_UP)
    others = {f"c{n:025d}" for n in range(150)}
    found = ports.people.profiles(STORE, {contact(), *others})
    assert found == {contact(): ports.contacts.profile(STORE, contact())}


def test_event_is_stored_once_and_existing_one_is_returned(ports: Ports) -> None:
    first = event("Contact Imported", {"row": 2}, id_="import:x", source="import")
    second = replace(first, data={"row": 9})
    assert ports.people.keep(contact(), first) is None
    assert ports.people.keep(contact(), second) == first
    assert ports.people.keep(contact(), first) == first
    assert ports.people.life(STORE, contact()).events == (first,)


def test_imported_contact_holds_all_items_of_the_contact(ports: Ports) -> None:
    append_and_apply(ports, SIGNED_UP, event("Asked", contact=WITHDRAWN))
    ports.enrollments.enroll(enrollment())
    life = ports.people.life(STORE, contact())
    assert life.profile == ports.contacts.profile(STORE, contact())
    assert sorted(e.name for e in life.events) == ["Asked", "Signed Up"]
    kinds = {key.partition("#")[0] for key in life.others}
    assert kinds - {"TRIGGER"} == {"CONSENT", "ENROLLMENT"}


def test_imported_contact_of_unknown_id_is_empty(ports: Ports) -> None:
    life = ports.people.life(STORE, contact())
    assert (life.profile, life.events, life.others) == (None, (), ())
    assert not ports.people.forget(life)


def test_removed_contact_leaves_only_its_last_sequence(ports: Ports) -> None:
    append_and_apply(
        ports, event(identifiers={"email": ADA, "external_id": "7"}, contact=WITHDRAWN), applied=5
    )
    assert ports.people.forget(ports.people.life(STORE, contact()))
    assert ports.people.life(STORE, contact()) == (
        STORE,
        contact(),
        Profile(STORE, contact(), last_sequence=5),
        (),
        (),
    )
    assert ports.people.owners(STORE, {("email", ADA), ("external_id", "7")}) == {}
    assert ports.look.proofs() == []


def test_contact_changed_meanwhile_is_not_removed(ports: Ports) -> None:
    append_and_apply(ports, SIGNED_UP, applied=1)
    seen = ports.people.life(STORE, contact())
    append_and_apply(ports, event("Order Completed"), applied=2)
    assert not ports.people.forget(seen)
    assert len(ports.people.life(STORE, contact()).events) == 2


def test_removed_contact_can_be_created_again(ports: Ports) -> None:
    append_and_apply(ports, SIGNED_UP, applied=1)
    ports.people.forget(ports.people.life(STORE, contact()))
    append_and_apply(ports, event("Order Completed"), applied=2)
    (line,) = [line for kind, line in scan_store(ports) if kind == "contacts"]
    assert line["totals"].keys() == {"Order Completed"}


def test_withdrawal_of_removed_contact_stays(ports: Ports) -> None:
    append_and_apply(ports, SIGNED_UP)
    ports.people.forget(ports.people.life(STORE, contact()))
    ports.contacts.withdraw(contact(), event("Unsubscribed", contact=WITHDRAWN))
    (line,) = [line for kind, line in scan_store(ports) if kind == "contacts"]
    assert line["consent"]["offers"]["state"] == "withdrawn"


def test_removed_email_leaves_no_email_in_the_profile(ports: Ports) -> None:
    append_and_apply(ports, SIGNED_UP, applied=1)
    before = ports.contacts.profile(STORE, contact())
    assert before is not None
    assert ports.contacts.apply(before, replace(before, fields={}, last_sequence=2))
    after = ports.contacts.profile(STORE, contact())
    assert after is not None
    assert after.email is None


# --- progress of imports and exports ---

IMPORT = Import(
    STORE,
    "people-01234567",
    FileVersion("imports/people.csv", "v1", 4711),
    "importing",
    at=MONDAY_NOON,
    begun=MONDAY_NOON,
    plan=Plan("csv", (Column("Mail", "email"), Column("N", "consent", withdrawn=("no",))), False),
)


def test_import_begins_once(ports: Ports) -> None:
    assert ports.imports.load(STORE, IMPORT.id) is None
    assert ports.imports.begin(IMPORT) == IMPORT
    assert ports.imports.begin(IMPORT._replace(row=7)) == IMPORT
    assert ports.imports.load(STORE, IMPORT.id) == IMPORT
    assert ports.imports.load("another", IMPORT.id) is None


def test_import_progress_survives_round_trip(ports: Ports) -> None:
    ports.imports.begin(IMPORT)
    step = IMPORT._replace(
        call_no=1,
        phase="undoing",
        offset=1000,
        row=9,
        counts=Counts(9, 1, 2, 3, 1, 2, 4, 5, 6, 7),
        returned=RevertCounts(3, 1, 1, 1, 1),
        seconds=1.5,
        waits=2,
        since=MONDAY_NOON + timedelta(hours=1),
        samples=("row 2: new; sets email",),
        problems=(Problem("file", "is gone", "upload it again"),),
    )
    assert ports.imports.save(IMPORT, step)
    assert ports.imports.load(STORE, IMPORT.id) == step


def test_only_one_of_two_concurrent_saves_succeeds(ports: Ports) -> None:
    ports.imports.begin(IMPORT)
    assert ports.imports.save(IMPORT, IMPORT._replace(call_no=1, row=100))
    assert not ports.imports.save(IMPORT, IMPORT._replace(call_no=1, row=50))
    held = ports.imports.load(STORE, IMPORT.id)
    assert held is not None
    assert held.row == 100


def test_export_progress_is_saved_like_import_progress(ports: Ports) -> None:
    export = Export(STORE, "all-01234567", MONDAY_NOON)
    assert ports.exports.begin(export) == ports.exports.begin(export._replace(read=9)) == export
    step = export._replace(call_no=1, after='{"pk": 1}', parts={"events": 2}, lines={"events": 9})
    assert ports.exports.save(export, step)
    assert not ports.exports.save(export, step)
    assert ports.exports.load(STORE, export.id) == step
    assert ports.exports.load(STORE, "other") is None


# --- everything ---


def scan_store(ports: Ports, store: str = STORE) -> list[tuple[str, Mapping[str, Any]]]:
    lines: list[tuple[str, Mapping[str, Any]]] = []
    after = ""
    while True:
        page = ports.everything.page(store, after)
        lines += page.lines
        after = page.after
        if not after:
            return lines


def test_store_scan_returns_all_items_of_one_store(ports: Ports) -> None:
    answers = (consent_fact(), consent_fact("news", at=None))
    facts = ContactUpdate({"first_name": "Ada"}, consents=answers)
    append_and_apply(ports, event("Signed Up", {"total": "12.50"}, contact=facts))
    ports.contacts.suppress(STORE, address_hash(ADA), "hard bounce", MONDAY_NOON)
    ports.timeline.append("c" + "0" * 25, replace(event(), store="another"))
    found = {(kind, str(line.get("topic", ""))): line for kind, line in scan_store(ports)}
    assert found["contacts", ""] == {
        "contact": contact(),
        "properties": {},
        "first_name": "Ada",
        "email": ADA,
        "consent": {
            "offers": {
                "state": "granted",
                "at": "2026-11-02T12:00:00.000Z",
                "method": "form",
                "source": "footer",
            },
            "news": {
                "state": "granted",
                "at": "2026-11-02T12:00:00.000Z",
                "method": "form",
                "source": "footer",
            },
        },
        "totals": {
            "Signed Up": {
                "count": 1,
                "first": "2026-11-02T12:00:00.000Z",
                "last": "2026-11-02T12:00:00.000Z",
                "value": "12.5000",
            }
        },
    }
    assert found["events", ""]["event"] == "Signed Up"
    assert found["events", ""]["properties"] == {"total": "12.50"}
    assert found["events", ""]["says"]["first_name"] == "Ada"
    assert found["consents", "offers"]["state"] == "granted"
    assert found["consents", "news"]["has_timestamp"] is False
    assert found["identities", ""] == {"identity": f"email#{ADA}", "contact": contact()}
    assert found["suppressions", ""]["address_sha256"] == address_hash(ADA)
    assert len(found) == 6
    assert {kind for kind, _ in scan_store(ports, "another")} == {"events"}


# --- uploads ---


def put(ports: Ports, path: str, body: bytes) -> None:
    if hasattr(ports.uploads, "upload"):
        ports.uploads.upload(STORE, path, body)
    else:
        uploads: Any = ports.uploads
        uploads.client.put_object(Bucket=uploads.bucket, Key=f"{STORE}/{path}", Body=body)


def test_file_is_read_in_chunks_from_any_offset(ports: Ports) -> None:
    body = bytes(range(256)) * 1000
    put(ports, "imports/a.csv", body)
    upload = ports.uploads.find(STORE, "imports/a.csv")
    assert upload is not None
    assert upload.size == len(body)
    pieces = list(ports.uploads.read(STORE, upload, 1000))
    assert b"".join(pieces) == body[1000:]
    assert max(map(len, pieces)) <= 64 * 1024
    assert list(ports.uploads.read(STORE, upload, len(body))) == []


def test_missing_file_is_not_found(ports: Ports) -> None:
    assert ports.uploads.find(STORE, "imports/none.csv") is None


def test_empty_file_has_no_chunks(ports: Ports) -> None:
    put(ports, "imports/empty.csv", b"")
    upload = ports.uploads.find(STORE, "imports/empty.csv")
    assert upload is not None
    assert list(ports.uploads.read(STORE, upload)) == []
