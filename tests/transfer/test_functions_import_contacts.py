"""The import function: from an upload to contacts and reports, and the revert."""

from typing import Any

import pytest

from functions.import_contacts.app import handler
from milepost.aws.table import unpack
from milepost.contacts.event import contact_id
from milepost.wiring import tables, transfer
from tests.support.aws_events import changed_file, queued
from tests.support.cloud import EMAIL, FIRST_NAME, Printed, Shop
from tests.support.handlers import tell
from tests.support.transfers import Context, bring, deliver, put, report, text

PEOPLE = f"Email,First Name,City\n{EMAIL},{FIRST_NAME},Bergen\nother@mail.example,Other,Oslo\n"


def person(shop: Shop, email: str = EMAIL) -> Any:
    found = tables.contacts().profile(shop.store, contact_id(shop.store, "email", email))
    return found.as_data() if found else None


def test_file_is_imported_and_reverted(shop: Shop, printed: Printed) -> None:
    put(shop, "imports/people.import.json", {"lists": ["vip"]})
    bring(shop, "imports/people.csv", PEOPLE)
    done = report(shop)
    assert (done["outcome"], done["counts"]["created"]) == ("imported", 2)
    assert person(shop)["properties"] == {"city": "Bergen"}
    assert person(shop)["lists"] == {"vip": True}
    assert printed.counted("ImportsFinished") == 1

    bring(shop, f"imports/{done['import']}.undo.json", "")
    assert report(shop)["outcome"] == "undone"
    assert report(shop)["undo"]["erased"] == 2
    left = [unpack(item) for item in shop.items()]
    assert {item["sk"] for item in left} == {"PROFILE"}
    assert {*left[0]} == {"pk", "sk", "last_sequence", "expires_at"}


def test_file_without_settings_is_a_dry_run(shop: Shop) -> None:
    bring(shop, "imports/people.csv", PEOPLE)
    assert report(shop)["outcome"] == "checked"
    assert report(shop)["counts"]["created"] == 2
    assert shop.items() == []


@pytest.mark.no_cover
def test_long_import_continues_in_further_invocations(shop: Shop) -> None:
    rows = "".join(f"p{n}@mail.example\n" for n in range(350))
    put(shop, "imports/many.import.json", {"rows_per_second": 5000})
    assert bring(shop, "imports/many.csv", f"email\n{rows}", looks=1) == 4
    assert report(shop)["counts"]["created"] == 350
    assert len(shop.events("Contact Imported")) == 350


def test_repeated_message_changes_nothing(shop: Shop) -> None:
    put(shop, "imports/people.import.json", {})
    bring(shop, "imports/people.csv", PEOPLE)
    before = shop.items()
    deliver(shop, "import", changed_file(f"{shop.store}/imports/people.csv"))
    assert shop.items() == before


def test_revert_restores_previous_values(shop: Shop) -> None:
    tell(shop, "Signed Up")
    before = person(shop)
    put(shop, "imports/people.import.json", {})
    bring(shop, "imports/people.csv", PEOPLE.replace(FIRST_NAME, "Replaced"))
    assert person(shop)["first_name"] == "Replaced"
    bring(shop, f"imports/{report(shop)['import']}.undo.json", "")
    assert report(shop)["undo"] == {
        "rows": 2,
        "restored": 1,
        "erased": 1,
        "left": 0,
        "stay_withdrawn": 0,
    }
    assert person(shop) == before


def test_row_errors_are_written_as_csv_beside_the_report(shop: Shop) -> None:
    put(shop, "imports/people.import.json", {})
    bring(shop, "imports/people.csv", f"email\n{EMAIL}\nnobody\n")
    (path,) = report(shop)["errors"]
    assert text(f"{shop.store}/{path}").splitlines() == [
        "row,column,reason,remedy",
        "3,email,is not an e-mail address that mail can be sent to,write it as name@shop.example",
    ]
    assert EMAIL not in str(report(shop))


def test_unreadable_file_is_rejected(shop: Shop, printed: Printed) -> None:
    bring(shop, "imports/people.csv", PEOPLE.encode("utf-16"))
    assert report(shop)["outcome"] == "refused"
    assert printed.counted("ImportsRefused") == 1


@pytest.mark.parametrize(
    "body", ["", "no json", "[]", '{"store": 1}', '{"import": "x"}', changed_file("Bad/imports/a")]
)
def test_unrelated_upload_is_ignored(shop: Shop, body: Any) -> None:
    assert handler(queued(body), Context()) == {"batchItemFailures": []}


def test_unknown_import_is_ignored(shop: Shop) -> None:
    message = {"store": shop.store, "import": "nothing-01234567"}
    assert handler(queued(message), Context()) == {"batchItemFailures": []}


def test_failed_message_is_returned_to_the_queue(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError(EMAIL)

    monkeypatch.setattr(transfer, "importer", broken)
    batch = queued(changed_file(f"{shop.store}/imports/a.csv"))
    assert handler(batch, Context()) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
