"""Imports of contact files: the resulting contacts, and the reports."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from milepost.base.errors import ThrottledError
from milepost.contacts.event import ContactUpdate
from milepost.contacts.fields import Change
from milepost.transfer.exports.lines import contact_line
from milepost.transfer.imports.importer import MAX_WAITS
from milepost.transfer.imports.progress import ERRORS_A_FILE
from milepost.transfer.naming import asked
from tests.support.builders import ADA, STORE, Json, event, send, settings, template, workflow
from tests.support.imports import Desk, csv
from tests.support.world import World

BOB = "bob@mail.example"
SOON, LATER = "2026-12-01T00:00:00.000Z", "2027-02-01T00:00:00.000Z"
PEOPLE = csv("Email,First Name,City", f"{ADA},Ada,London", f"{BOB},Bob,Oslo")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def counts(desk: Desk, **expected: int) -> None:
    done = desk.last()
    assert done is not None
    counted = {name: number for name, number in done.counts._asdict().items() if number}
    assert counted == expected


# --- uploads ---


def test_file_with_settings_is_imported(desk: Desk) -> None:
    done = desk.bring(PEOPLE)
    assert done.phase == "imported"
    assert desk.people == {
        ADA: {"email": ADA, "first_name": "Ada", "properties": {"city": "London"}},
        BOB: {"email": BOB, "first_name": "Bob", "properties": {"city": "Oslo"}},
    }
    counts(desk, rows=2, created=2)


def test_file_without_settings_is_only_checked(desk: Desk) -> None:
    done = desk.upload("people.csv", PEOPLE)
    assert done is not None
    assert done.phase == "checked"
    assert desk.people == {}
    counts(desk, rows=2, created=2)


def test_settings_from_check_report_import_the_file(desk: Desk) -> None:
    checked = desk.upload("people.csv", PEOPLE)
    assert checked is not None
    done = desk.upload("people.import.json", desk.report(checked)["settings"])
    assert done is not None
    assert (done.phase, done.counts.created) == ("imported", 2)
    assert done.id != checked.id


def test_dry_run_lists_changes_and_changes_nothing(desk: Desk) -> None:
    desk.world.event("Signed Up", email=ADA, first_name="Adele")
    before = desk.people
    done = desk.bring(PEOPLE, dry_run=True)
    counts(desk, rows=2, created=1, updated=1)
    assert desk.people == before
    assert desk.report(done)["samples"] == [
        "row 2: known; sets properties.city; replaces first_name",
        "row 3: new; sets email, first_name, properties.city",
    ]


def test_dry_run_and_import_count_the_same(desk: Desk) -> None:
    desk.world.event("Signed Up", email=ADA, first_name="Ada", properties={"city": "London"})
    rows = csv(PEOPLE.strip(), f"{BOB},Again,", "nobody,,", "carl@mail.example,=1+1,")
    checked = desk.bring(rows, dry_run=True)
    done = desk.bring(rows)
    assert checked.counts == done.counts
    counts(desk, rows=5, created=2, unchanged=1, repeated=1, failed=1, errors=2, formulas=1)


def test_settings_uploaded_first_wait_for_the_file(desk: Desk) -> None:
    assert desk.upload("people.import.json", {}) is None
    done = desk.upload("people.csv", PEOPLE)
    assert done is not None
    assert done.phase == "imported"


def test_repeated_notification_changes_nothing(desk: Desk) -> None:
    first = desk.bring(PEOPLE)
    again = desk.notice("imports/people.csv")
    assert again == first
    assert len(desk.world.state.stream) == 2


def test_json_lines_file_is_imported(desk: Desk) -> None:
    lines = [{"email": ADA, "properties": {"vip": True}}, {"email": BOB, "lists": ["vip"]}]
    desk.bring("\n".join(json.dumps(line) for line in lines), ending="jsonl")
    assert desk.people[ADA]["properties"] == {"vip": True}
    assert desk.people[BOB]["lists"] == {"vip": True}


@pytest.mark.parametrize(
    ("known", "imported", "kept"),
    [
        ({}, {"frequency": "weekly"}, {"frequency": "weekly"}),
        ({"frequency": "weekly"}, {"frequency": "monthly"}, {"frequency": "monthly"}),
        ({"frequency": "monthly"}, {"frequency": "weekly"}, {"frequency": "monthly"}),
        ({"frequency": "monthly"}, {"frequency": "all"}, {"frequency": "monthly"}),
        ({}, {"frequency": "all"}, {}),
        ({}, {"snoozed_until": SOON}, {"snoozed_until": SOON}),
        ({"snoozed_until": SOON}, {"snoozed_until": LATER}, {"snoozed_until": LATER}),
        ({"snoozed_until": LATER}, {"snoozed_until": SOON}, {"snoozed_until": LATER}),
    ],
)
def test_import_can_reduce_but_never_increase_mail_frequency(
    desk: Desk, known: Json, imported: Json, kept: Json
) -> None:
    preference = tuple(Change("set", name, value) for name, value in known.items())
    desk.world.append(
        event("Preferences Changed", contact=ContactUpdate(changes=preference), source="reader")
    )
    done = desk.bring(json.dumps({"email": ADA, **imported}), ending="jsonl")
    assert {n: v for n, v in desk.people[ADA].items() if n in {*known, *imported}} == kept
    desk.take_back(done)
    assert {n: v for n, v in desk.people[ADA].items() if n in {*known, *imported}} == known


def test_exported_preferences_import_into_another_store(desk: Desk) -> None:
    preference = ContactUpdate(
        changes=(Change("set", "frequency", "monthly"), Change("set", "snoozed_until", LATER))
    )
    desk.world.append(event("Preferences Changed", contact=preference, source="reader"))
    desk.world.run_for(minutes=1)
    known = desk.world.state.owner(STORE, desk.world.contact())
    assert known is not None
    line = contact_line(known)
    other = Desk()
    other.bring(json.dumps(line), ending="jsonl")
    assert other.people[ADA] == {
        "email": ADA,
        "frequency": "monthly",
        "snoozed_until": LATER,
        "properties": {},
    }


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("imports/a.csv", "csv"),
        ("imports/a b.jsonl", "jsonl"),
        ("imports/a.import.json", "settings"),
        ("imports/a-01234567.undo.json", "undo"),
        ("exports/a.export.json", "export"),
        ("imports/a.txt", None),
        ("imports/.csv", None),
        ("imports/deep/a.csv", None),
        ("workflows/a.csv", None),
    ],
)
def test_upload_kind_is_recognized_by_path(path: str, kind: str | None) -> None:
    found = asked(path)
    assert (found.kind if found else None) == kind


# --- known contacts ---


def test_unchanged_contact_costs_no_write(desk: Desk) -> None:
    desk.bring(PEOPLE)
    events = len(desk.world.state.stream)
    again = desk.bring(PEOPLE, name="again")
    assert again.counts.unchanged == 2
    assert len(desk.world.state.stream) == events


def test_contact_is_found_by_external_id(desk: Desk) -> None:
    desk.world.event("Signed Up", email=ADA, external_id="7")
    desk.bring(csv("customer_id,first_name", "7,Ada"))
    assert desk.people == {
        ADA: {"email": ADA, "external_id": "7", "first_name": "Ada", "properties": {}}
    }


def test_import_merges_no_contacts(desk: Desk) -> None:
    desk.world.event("Signed Up", email=ADA)
    desk.world.event("Signed Up", email=BOB, external_id="7")
    done = desk.bring(csv("email,customer_id", f"{ADA},7"))
    counts(desk, rows=1, failed=1, errors=1)
    assert desk.errors(done) == [
        '2,,is about two contacts: email and external_id belong to different ones,"leave one of '
        'them out, or make them one contact first"'
    ]


def test_old_file_does_not_overwrite_newer_values(desk: Desk) -> None:
    desk.world.event("Signed Up", email=ADA, first_name="Adele")
    week_ago = (desk.world.now - timedelta(days=7)).isoformat()
    desk.bring(csv("email,first_name,city", f"{ADA},Ada,London"), as_of=week_ago)
    assert desk.people[ADA]["first_name"] == "Adele"
    assert desk.people[ADA]["properties"] == {"city": "London"}


def test_two_concurrent_imports_both_finish_and_the_later_one_wins(desk: Desk) -> None:
    desk.batches = 1
    rows = [f"p{n}@mail.example" for n in range(250)]
    desk.put("one.import.json", {"columns": {"email": "email", "city": "properties.city"}})
    desk.put("two.import.json", {"columns": {"email": "email", "city": "properties.city"}})
    desk.put("one.csv", csv("email,city", *(f"{row},London" for row in rows)))
    desk.put("two.csv", csv("email,city", *(f"{row},Oslo" for row in rows)))
    desk.world.later(lambda: desk.notice("imports/two.csv"), seconds=2)
    desk.notice("imports/one.csv")
    assert {held.phase for held in desk.imports.held.values()} == {"imported"}
    assert {person["properties"]["city"] for person in desk.people.values()} == {"Oslo"}


# --- consent ---


def test_import_grants_no_consent(desk: Desk) -> None:
    desk.bring(csv("email,accepts_marketing,consent.news", f"{ADA},yes,granted"))
    assert desk.world.profile().consent == {}
    counts(desk, rows=1, created=1, granted=2)


def test_import_withdraws_consent_with_proof(desk: Desk) -> None:
    desk.world.consent("offers")
    done = desk.bring(csv("email,accepts_marketing", f"{ADA},no"))
    assert desk.world.profile().consents() == {"offers": "withdrawn"}
    counts(desk, rows=1, updated=1, withdrawn=1)
    (proof,) = [p for p in desk.world.state.proofs.values() if p.fact.state == "withdrawn"]
    assert (proof.fact.method, proof.fact.source) == ("import", f"import {done.id}")


# --- workflows ---


def with_workflow(*, on: str = "", trigger: dict[str, str] | None = None) -> World:
    world = World()
    trigger_fields = {"trigger": trigger} if trigger else {"on": on}
    flow = workflow(send("hello"), category="transactional", topic=None, **trigger_fields)
    world.publish({"settings.json": settings(), **template("plain"), "workflows/w.json": flow})
    return world


@pytest.mark.parametrize(
    "trigger",
    [
        {"type": "event", "event": "Contact Imported"},
        {"type": "contact", "field": "properties.city"},
        {"type": "list", "list": "vip"},
    ],
)
def test_import_without_enroll_enrolls_no_contact(trigger: dict[str, str]) -> None:
    desk = Desk(with_workflow(trigger=trigger))
    desk.bring(PEOPLE, lists=["vip"])
    assert desk.world.mails == []
    assert desk.people[ADA]["lists"] == {"vip": True}


def test_import_with_enroll_starts_the_list_workflow() -> None:
    desk = Desk(with_workflow(trigger={"type": "list", "list": "vip"}))
    desk.bring(PEOPLE, lists=["vip"], enroll=True)
    assert sorted(mail.to for mail in desk.world.mails) == [ADA, BOB]
    desk.bring(PEOPLE.replace("Oslo", "Rome"), name="again", lists=["vip"], enroll=True)
    assert len(desk.world.mails) == 2, "a member of a list does not join it again"


def test_shop_event_named_contact_imported_starts_a_workflow() -> None:
    desk = Desk(with_workflow(on="Contact Imported"))
    desk.world.event("Contact Imported")
    desk.pass_time(1)
    assert len(desk.world.mails) == 1


# --- mistakes in files ---


def test_rows_with_mistakes_are_listed_and_the_rest_imported(desk: Desk) -> None:
    done = desk.bring(csv("email,born", "nobody,1990", f"{ADA},1990-01-02", "x@,", f"{BOB},"))
    counts(desk, rows=4, created=2, failed=2, errors=2)
    assert desk.errors(done) == [
        "2,email,is not an e-mail address that mail can be sent to,write it as name@shop.example",
        "4,email,is not an e-mail address that mail can be sent to,write it as name@shop.example",
    ]


def test_second_row_of_a_contact_is_skipped_and_listed(desk: Desk) -> None:
    done = desk.bring(csv("email,city", f"{ADA},London", f"{BOB},", f"{ADA},Paris"))
    assert desk.people[ADA]["properties"] == {"city": "London"}
    counts(desk, rows=3, created=2, repeated=1, errors=1)
    assert desk.errors(done) == [
        '4,,"is about the contact of row 2, which was taken",keep one row a contact'
    ]


def test_repeated_row_is_detected_across_batches(desk: Desk) -> None:
    rows = [f"p{n}@mail.example,x" for n in range(500)]
    desk.batches = 2
    desk.bring(csv("email,city", *rows, rows[3], rows[0]))
    counts(desk, rows=502, created=500, repeated=2, errors=2)


def test_many_mistakes_are_listed_in_several_files(desk: Desk) -> None:
    desk.batches = 7
    done = desk.bring(csv("email", *("nobody" for _ in range(ERRORS_A_FILE + 100))))
    assert done.error_files == 2
    assert len(desk.errors(done, 1)) == ERRORS_A_FILE
    assert len(desk.errors(done, 2)) == 100
    assert desk.errors(done, 2)[-1].startswith(f"{ERRORS_A_FILE + 101},email,")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("name\nAda\n", "no column is email, external_id or phone"),
        (PEOPLE.encode("utf-16"), "is encoded in UTF-16, which cannot be read"),
    ],
)
def test_unreadable_file_is_refused_with_a_remedy(
    desk: Desk, content: str | bytes, reason: str
) -> None:
    done = desk.bring(content)
    assert done.phase == "refused"
    (problem,) = desk.report(done)["problems"]
    assert problem["reason"] == reason
    assert problem["remedy"]


def test_mistake_in_settings_refuses_the_file(desk: Desk) -> None:
    done = desk.bring(PEOPLE, dryrun=True)
    assert done.phase == "refused"
    assert desk.people == {}
    (problem,) = desk.report(done)["problems"]
    assert problem["location"] == "imports/people.import.json: dryrun"
    assert problem["remedy"] == 'did you mean "dry_run"?'


def test_header_only_file_imports_no_contact(desk: Desk) -> None:
    assert desk.bring("email\n").phase == "imported"
    counts(desk)


def test_huge_line_nul_and_open_quote_fail_only_their_rows(desk: Desk) -> None:
    rows = [f"{ADA},Ada", "x" * 1_000_000, "bad\0@mail.example,", '"open,', f"{BOB},Bob"]
    done = desk.bring(csv("email,first_name", *rows))
    counts(desk, rows=5, created=2, failed=3, errors=3)
    assert [line.split(",")[0] for line in desk.errors(done)] == ["3", "4", "5"]


# --- files that change during the import ---


def test_file_replaced_during_import_is_read_to_its_end(desk: Desk) -> None:
    desk.batches = 1
    rows = [f"p{n}@mail.example" for n in range(250)]
    desk.put("people.import.json", {})
    desk.put("people.csv", csv("email,city", *(f"{row},London" for row in rows)))
    desk.world.later(lambda: desk.put("people.csv", "email\nx\n"), seconds=1.5)
    done = desk.notice("imports/people.csv")
    assert done is not None
    assert (done.phase, done.counts.created) == ("imported", 250)


def test_file_deleted_during_import_is_reported(desk: Desk) -> None:
    desk.batches = 1
    desk.put("people.import.json", {})
    desk.put("people.csv", csv("email", *(f"p{n}@mail.example" for n in range(250))))
    desk.world.later(lambda: desk.uploads.versions.pop((STORE, "imports/people.csv")), seconds=1.5)
    done = desk.notice("imports/people.csv")
    assert done is not None
    assert done.phase == "broken"
    assert desk.report(done)["problems"][0]["reason"] == "was deleted for good while it was read"
    assert done.counts.created == 100


def test_imported_file_is_marked_for_the_lifecycle_rule(desk: Desk) -> None:
    desk.bring(PEOPLE)
    assert desk.uploads.settled == [f"{STORE}/imports/people.csv@v1"]


# --- progress and throttling ---


def test_import_continues_in_the_next_call_when_time_runs_out(desk: Desk) -> None:
    desk.batches = 1
    done = desk.bring(csv("email", *(f"p{n}@mail.example" for n in range(1050))))
    assert (done.phase, done.counts.created) == ("imported", 1050)
    assert desk.calls == 11
    assert len(desk.people) == 1050


def test_report_shows_progress_during_the_import(desk: Desk) -> None:
    desk.batches = 1
    seen = []
    desk.put("people.import.json", {})
    desk.put("people.csv", csv("email", *(f"p{n:03d}@mail.example" for n in range(400))))

    def read_report() -> None:
        done = desk.last()
        assert done is not None
        report = desk.report(done)
        seen.append((report["outcome"], report["finished"], round(report["percent"])))

    desk.world.later(read_report, seconds=1.5)
    desk.notice("imports/people.csv")
    read_report()
    assert seen == [("importing", False, 25), ("imported", True, 100)]


def test_import_keeps_to_rows_per_second(desk: Desk) -> None:
    desk.bring(csv("email", *(f"p{n}@mail.example" for n in range(800))), rows_per_second=50)
    assert desk.slept == pytest.approx(800 / 50, rel=0.1)


class Throttled:
    """A port whose method `keep` is throttled so many times."""

    def __init__(self, port: Any, times: int) -> None:
        self._port, self.times = port, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def keep(self, *given: Any) -> Any:
        self.times -= 1
        if self.times >= 0:
            raise ThrottledError("DynamoDB: throttled")
        return self._port.keep(*given)


def test_throttled_import_is_retried_and_raises_in_the_end(
    desk: Desk,
) -> None:
    throttled = Throttled(desk.importer.people, 3)
    desk.importer = replace(desk.importer, people=throttled)
    done = desk.bring(PEOPLE)
    assert (done.counts.created, done.waits) == (2, 0)
    assert desk.world.now - done.begun > timedelta(seconds=10 + 20)
    throttled.times = 1000
    with pytest.raises(ThrottledError, match=f"has come no further in {MAX_WAITS} tries"):
        desk.bring(PEOPLE.replace("Oslo", "Rome"), name="again")


# --- undo ---


def test_undo_erases_contacts_that_only_the_import_created(
    desk: Desk,
) -> None:
    done = desk.take_back(desk.bring(PEOPLE, lists=["vip"], enroll=True))
    assert done.phase == "undone"
    assert (done.returned.erased, done.returned.restored) == (2, 0)
    assert desk.people == {}
    assert desk.world.state.identities == {}
    assert not any(desk.world.state.events.values())


def test_undo_restores_previous_values(desk: Desk) -> None:
    desk.world.event("Signed Up", email=ADA, first_name="Adele", properties={"points": 3})
    before = desk.people[ADA]
    done = desk.bring(
        csv("email,first_name,city,phone,points,lists", f"{ADA},Ada,London,+33612345678,9,vip")
    )
    assert desk.people[ADA] != before
    assert desk.take_back(done).returned.restored == 1
    assert desk.people[ADA] == before


def test_undo_keeps_changes_made_after_the_import(desk: Desk) -> None:
    desk.world.event("Signed Up", email=ADA, first_name="Adele")
    done = desk.bring(csv("email,first_name,city", f"{ADA},Ada,London"))
    desk.world.run_for(hours=1)
    desk.world.event("Profile Changed", email=ADA, first_name="Augusta")
    desk.take_back(done)
    assert desk.people[ADA] == {"email": ADA, "first_name": "Augusta", "properties": {}}


def test_undo_keeps_new_contact_with_later_events_but_not_imported_values(
    desk: Desk,
) -> None:
    done = desk.bring(PEOPLE)
    desk.world.run_for(hours=1)
    desk.world.event("Order Completed", email=ADA, first_name="Ada")
    done = desk.take_back(done)
    assert (done.returned.erased, done.returned.restored) == (1, 1)
    assert desk.people == {ADA: {"email": ADA, "first_name": "Ada", "properties": {}}}


def test_undo_keeps_consent_withdrawn_by_the_import(desk: Desk) -> None:
    desk.world.consent("offers")
    done = desk.take_back(desk.bring(csv("email,accepts_marketing", f"{ADA},no")))
    assert desk.world.profile().consents() == {"offers": "withdrawn"}
    assert done.returned.stay_withdrawn == 1


def test_undo_stops_a_running_import_first(desk: Desk) -> None:
    desk.batches = 1
    desk.put("people.import.json", {})
    desk.put("people.csv", csv("email", *(f"p{n}@mail.example" for n in range(900))))

    def stop() -> None:
        done = desk.last()
        assert done is not None
        assert done.phase == "importing"
        desk.upload(f"{done.id}.undo.json", "")

    desk.world.later(stop, seconds=3.5)
    done = desk.notice("imports/people.csv")
    assert done is not None
    assert done.phase == "undone"
    assert done.counts.created < 900
    assert desk.people == {}


def test_undo_waits_until_react_has_applied_the_import(desk: Desk) -> None:
    desk.reacts = False
    done = desk.bring(PEOPLE)
    assert desk.people == {}, "the stream is blocked"
    desk.world.later(lambda: None, seconds=1)
    desk.put(f"{done.id}.undo.json", "")
    desk.importer.changed(STORE, f"imports/{done.id}.undo.json", lambda: True)
    assert desk.now(done).phase == "undoing"
    ((message, delay),) = desk.queue.waiting
    assert delay > 0
    desk.queue.waiting.clear()
    desk.reacts = True
    desk.pass_time(delay)
    assert len(desk.people) == 2
    desk.importer.go_on(message["store"], message["import"], message["call_no"], lambda: True)
    assert desk.now(done).returned.erased == 2
    desk.pass_time(60)
    assert desk.people == {}


def test_repeated_stream_record_does_not_recreate_an_erased_contact() -> None:
    desk = Desk(World(echo=3))
    desk.take_back(desk.bring(PEOPLE))
    for record in desk.world.state.stream:
        desk.world._react_to(record)
    assert desk.people == {}


def test_contact_erased_by_undo_can_return(desk: Desk) -> None:
    desk.take_back(desk.bring(PEOPLE))
    desk.world.event("Signed Up", email=ADA)
    assert desk.people == {ADA: {"email": ADA, "properties": {}}}
    assert desk.bring(PEOPLE, name="again").counts == desk.bring(PEOPLE).counts._replace(
        created=1, updated=1, unchanged=0
    )


@pytest.mark.parametrize("name", ["nothing-01234567", "../x", "A"])
def test_undo_of_an_unknown_import_does_nothing(desk: Desk, name: str) -> None:
    assert desk.upload(f"{name}.undo.json", "") is None


def test_undo_of_a_check_does_nothing(desk: Desk) -> None:
    done = desk.upload("people.csv", PEOPLE)
    assert done is not None
    assert desk.take_back(done) == done


# --- reports ---


def test_report_contains_no_cell_or_profile_value(desk: Desk) -> None:
    desk.world.event("Signed Up", email=ADA, first_name="Secretname")
    rows = csv("email,first_name,phone", f"{ADA},Ada,Nophone", f"{ADA},Lovelace,", "Bobaddress,,")
    desk.bring(rows)
    desk.take_back(desk.bring(rows, name="again", dry_run=False))
    reports = " ".join(
        text for (_, path), text in desk.files.texts.items() if path.startswith("reports/")
    ).lower()
    for word in ("mail.example", "secretname", "nophone", "lovelace", "bobaddress"):
        assert word not in reports, word


def test_check_report_has_headline_counts_columns_and_next_step(desk: Desk) -> None:
    checked = desk.upload("people.csv", csv(PEOPLE.strip(), "x,,"))
    assert checked is not None
    text = desk.files.read(STORE, f"reports/imports.{checked.id}.report.md")
    assert text is not None
    assert "# `imports/people.csv` was checked: nothing was written" in text
    assert "| would be new contacts | 2 |" in text
    assert "| City | `properties.city` | text |" in text
    assert "Upload this as `imports/people.import.json`" in text
    assert f"- `reports/imports.{checked.id}.errors-0001.csv`" in text


def test_undo_keeps_a_contact_mailed_because_of_an_imported_date(desk: Desk) -> None:
    """Events that follow from the imported date are removed; a contact that got mail stays."""
    flow = workflow(
        send("hello"),
        category="transactional",
        topic=None,
        trigger={"type": "date", "field": "properties.born"},
        audience={"contact": "first_name", "is": "Ada"},
    )
    desk.world.publish({**template("plain"), "workflows/birthday.json": flow})
    done = desk.bring(
        csv("email,first_name,born", f"{ADA},Ada,1990-11-03", f"{BOB},Bob,1990-11-03")
    )
    desk.world.run_for(days=2)
    assert [mail.to for mail in desk.world.mails] == [ADA]
    done = desk.take_back(done)
    assert (done.returned.erased, done.returned.restored) == (1, 1)
    assert desk.people == {"None": {"properties": {}}}, "Ada stays, because she got mail"
