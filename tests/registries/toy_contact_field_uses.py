"""What a new row of the table of contact fields comes to; see `toy_contact_field.py`."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.contacts.app import handler as contacts
from functions.react.app import handler as react
from functions.trigger_event.app import handler as trigger_event
from functions.trigger_form.app import handler as trigger_form
from milepost.base.parse_file import parse_file
from milepost.contacts.event import contact_id
from milepost.workflows.explain.description import describe as explain
from milepost.workflows.language.workflow import Workflow
from milepost_tools.openapi.document import document
from milepost_tools.preview.sample_data import PERSON
from milepost_tools.reference.schema import FILES, schema
from tests.journeys.visits import step, visit, visited, world_of
from tests.support.builders import branch, send, template, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Shop
from tests.support.commands import milepost, write
from tests.support.handlers import pass_on, tell
from tests.support.port_recorder import Caller
from tests.support.reference import text as reference
from tests.support.transfers import bring, put
from tests.support.transfers import report as report_on
from tests.support.visitors import form_post

CONTACT = "/v1/{store}/contacts/{contact}"
LETTER = template("letter", body="For {{ contact.company | default('you') }}")


def known(shop: Shop) -> Any:
    """The contact, as the shop's own systems read it."""
    call = Caller(contacts, shop.store, shop.signing)
    return call(f"GET {CONTACT}", contact=contact_id(shop.store, "email", EMAIL)).body


def test_it_is_posted_as_an_event_and_shown_by_the_api(shop: Shop) -> None:
    tell(shop, "Signed Up", contact={"email": EMAIL, "company": "acme"})
    assert known(shop)["company"] == "Acme"
    call = Caller(contacts, shop.store, shop.signing)
    told = call(f"GET {CONTACT}/timeline", contact=known(shop)["id"]).body["items"]
    assert [each["contact"] for each in told] == [{"company": "acme"}]


def test_an_event_that_states_it_wrongly_is_refused(shop: Shop) -> None:
    event = {"event": "Signed Up", "contact": {"email": EMAIL, "company": "..."}}
    answer = trigger_event(shop.request(event), None)
    error = json.loads(answer["body"])["error"]
    assert (answer["statusCode"], error["code"], error["field"]) == (
        422, "bad_company", "contact.company"
    )  # fmt: skip
    assert error["message"] == "company must be a name like Acme"


def test_it_is_changed_and_taken_away_by_the_api(shop: Shop) -> None:
    tell(shop, "Signed Up", contact={"email": EMAIL, "company": "acme"})
    call = Caller(contacts, shop.store, shop.signing)
    for written, kept in (("bolt", "Bolt"), (None, None)):
        before = {item["sk"]["S"] for item in shop.events()}
        changed = call(f"PATCH {CONTACT}", contact=known(shop)["id"], body={"company": written})
        assert changed.status == 202
        pass_on(shop, before)
        assert known(shop).get("company") == kept


@pytest.mark.parametrize("title", ["company", "Company", "Organisation", "FIRM"])
def test_it_is_imported_from_a_column_of_its_name_or_an_alias(shop: Shop, title: str) -> None:
    put(shop, "imports/people.import.json", {})
    bring(shop, "imports/people.csv", f"email,{title}\n{EMAIL},acme\nx@mail.example,...\n")
    assert known(shop)["company"] == "Acme"
    (path,) = report_on(shop)["errors"]
    key = f"{shop.store}/{path}"
    errors = shop.cloud.s3.get_object(Bucket="milepost-files", Key=key)["Body"].read().decode()
    assert f"3,{title},is not a company,write a name like Acme" in errors


def test_a_form_asks_for_it(shop: Shop) -> None:
    form = {"double_opt_in": False, "fields": {"company": {"required": True}}}
    shop.settings(forms={"footer": form})
    assert trigger_form(form_post(shop), None)["statusCode"] == 422
    assert trigger_form(form_post(shop, company="www.buy.example"), None)["statusCode"] == 422
    assert trigger_form(form_post(shop, company="acme"), None)["statusCode"] == 200
    react(shop.cloud.stream(*shop.events()), None)
    assert known(shop)["company"] == "Acme"
    assert known(shop)["properties"] == {}


def test_a_step_sets_it_a_condition_asks_for_it_and_a_mail_prints_it() -> None:
    world = world_of(
        step("update_contact", "change", company={"from": "event.buyer"}),
        branch("which", {"contact": "company", "is": "Acme"}, [send("mail", "letter")]),
        files=LETTER,
    )
    visited(world, {"buyer": "acme"})
    assert "For Acme" in world.last_mail().html


def refused(*steps: Any) -> list[str]:
    found = parse_file(json.dumps(workflow(*steps)), Workflow)
    return [str(each) for each in found] if isinstance(found, list) else []


def test_what_a_file_says_of_it_is_checked(tmp_path: Path) -> None:
    assert refused(step("update_contact", "a", company="...")) == [
        "steps[0]: '...' is not a company: write a name like Acme"
    ]
    more = branch("which", {"contact": "company", "gt": 5}, [send("mail")])
    bare = template("bare", body="For {{ contact.company }}")
    checked = milepost("check", write(tmp_path, files_of(visit=workflow(more)) | bare))
    assert "company is a text, and cannot be compared with this" in checked.out
    assert "contact.company is missing for some" in checked.out


def test_it_is_explained_and_drawn(tmp_path: Path) -> None:
    cart = visit(step("update_contact", "change", company="Acme"))
    folder = write(tmp_path, files_of(visit=cart))
    assert "Change company" in milepost("draw", folder / "workflows" / "visit.json").out
    read = parse_file(json.dumps(cart), Workflow)
    assert isinstance(read, Workflow)
    assert 'set the company to "Acme"' in explain(read)


def test_a_story_of_a_workflow_states_it(tmp_path: Path) -> None:
    case = {
        "name": "a buyer",
        "contact": {"company": "acme"},
        "expect": {"path": ["which", "mail"]},
    }
    only = branch("which", {"contact": "company", "is": "Acme"}, [send("mail")])
    files = files_of(visit=visit(only))
    files["tests/visit.test.json"] = {"cases": [case], "workflow": "visit"}
    answer = milepost("test", write(tmp_path, files))
    assert answer.lines[-1] == "1 case: all good", answer.out


def test_a_preview_shows_a_sample_of_it(tmp_path: Path) -> None:
    assert PERSON["company"] == "Acme Ltd"
    folder = write(tmp_path, files_of() | LETTER)
    assert "For Acme Ltd" in milepost("preview", "letter", "--store", folder).out


def test_schemas_and_documents_describe_it() -> None:
    meaning = "The company that the contact buys for."
    api, story = document()["components"]["schemas"], schema(FILES["test"])["$defs"]["CaseContact"]
    for model in (api["ContactIn"], api["PatchBody"], story):
        assert model["properties"]["company"]["description"] == meaning
    assert "|company|" in json.dumps(schema(FILES["import"]))
    assert "`company`, or a property" in json.dumps(schema(FILES["settings"]))
    (row,) = (line for line in reference().splitlines() if line.startswith("| `company` |"))
    assert meaning in row
