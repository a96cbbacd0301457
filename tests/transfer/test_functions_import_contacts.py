"""The queue of uploaded contacts: from a put in the bucket to people, reports, and back."""

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


def test_a_file_is_imported_and_taken_back(shop: Shop, printed: Printed) -> None:
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


def test_a_file_without_settings_is_checked_and_nothing_is_written(shop: Shop) -> None:
    bring(shop, "imports/people.csv", PEOPLE)
    assert report(shop)["outcome"] == "checked"
    assert report(shop)["counts"]["created"] == 2
    assert shop.items() == []


@pytest.mark.no_cover
def test_an_import_that_needs_many_functions_asks_for_them(shop: Shop) -> None:
    rows = "".join(f"p{n}@mail.example\n" for n in range(350))
    put(shop, "imports/many.import.json", {"rows_per_second": 5000})
    assert bring(shop, "imports/many.csv", f"email\n{rows}", looks=1) == 4
    assert report(shop)["counts"]["created"] == 350
    assert len(shop.events("Contact Imported")) == 350


def test_the_same_message_again_is_harmless(shop: Shop) -> None:
    put(shop, "imports/people.import.json", {})
    bring(shop, "imports/people.csv", PEOPLE)
    before = shop.items()
    deliver(shop, "import", changed_file(f"{shop.store}/imports/people.csv"))
    assert shop.items() == before


def test_what_was_known_before_comes_back(shop: Shop) -> None:
    tell(shop, "Signed Up")
    before = person(shop)
    put(shop, "imports/people.import.json", {})
    bring(shop, "imports/people.csv", PEOPLE.replace(FIRST_NAME, "Replaced"))
    assert person(shop)["first_name"] == "Replaced"
    bring(shop, f"imports/{report(shop)['import']}.undo.json", "")
    assert report(shop)["undo"] == {
        "rows": 2, "restored": 1, "erased": 1, "left": 0, "stay_withdrawn": 0,
    }  # fmt: skip
    assert person(shop) == before


def test_mistakes_lie_beside_the_report_as_csv(shop: Shop) -> None:
    put(shop, "imports/people.import.json", {})
    bring(shop, "imports/people.csv", f"email\n{EMAIL}\nnobody\n")
    (path,) = report(shop)["errors"]
    assert text(f"{shop.store}/{path}").splitlines() == [
        "row,column,reason,remedy",
        "3,email,is not an e-mail address that mail can be sent to,write it as name@shop.example",
    ]
    assert EMAIL not in str(report(shop))


def test_a_file_that_cannot_be_read_is_refused(shop: Shop, printed: Printed) -> None:
    bring(shop, "imports/people.csv", PEOPLE.encode("utf-16"))
    assert report(shop)["outcome"] == "refused"
    assert printed.counted("ImportsRefused") == 1


@pytest.mark.parametrize(
    "body", ["", "no json", "[]", '{"store": 1}', '{"import": "x"}', changed_file("Bad/imports/a")]
)
def test_what_is_not_ours_is_passed_over(shop: Shop, body: Any) -> None:
    assert handler(queued(body), Context()) == {"batchItemFailures": []}


def test_an_import_that_nobody_knows_of_is_passed_over(shop: Shop) -> None:
    message = {"store": shop.store, "import": "nothing-01234567"}
    assert handler(queued(message), Context()) == {"batchItemFailures": []}


def test_what_fails_is_handed_over_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError(EMAIL)

    monkeypatch.setattr(transfer, "importer", broken)
    batch = queued(changed_file(f"{shop.store}/imports/a.csv"))
    assert handler(batch, Context()) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
