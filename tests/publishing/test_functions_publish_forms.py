"""Forms in `settings.json`: their confirmation workflow, and workflows that use them."""

from typing import Any

import pytest

from tests.support.builders import Content, delay, send, settings, template, workflow
from tests.support.cloud import Shop
from tests.support.handlers import report, upload
from tests.support.visitors import FOOTER

Json = dict[str, Any]
CONFIRMATION: Json = {"on": "Opt-In Requested", "category": "transactional"}
OPT_IN = workflow(send("ask", "confirm"), **CONFIRMATION)
CONFIRM: dict[str, Content] = {
    "templates/confirm/subject.txt": "Is it you?",
    "templates/confirm/body.html": '<html><body><a href="{{ urls.confirm }}">Yes</a></body></html>',
}
FORMS = settings(forms={"footer": FOOTER})
SINGLE = settings(forms={"footer": {**FOOTER, "double_opt_in": False}})
NEEDED = (
    "forms.footer: readers have to confirm, and no workflow sends them the mail for that (upload "
    'one that begins with the event "Opt-In Requested", such as workflows/opt-in.json)'
)


def problems(shop: Shop, name: str) -> list[str]:
    found = report(shop, name)["problems"]
    return [
        f"{p['location']}: {p['reason']}" + (f" ({p['remedy']})" if p["remedy"] else "")
        for p in found
    ]


def outcome(shop: Shop, name: str) -> str:
    return str(report(shop, name)["outcome"])


def test_double_opt_in_form_needs_a_confirmation_workflow(shop: Shop) -> None:
    upload(shop, {"settings.json": FORMS})
    assert problems(shop, "settings") == [NEEDED]
    upload(shop, {**CONFIRM, "workflows/opt-in.json": OPT_IN})
    assert outcome(shop, "settings") == "published", (
        "refused files are tried again when something goes live"
    )


def test_form_and_confirmation_workflow_can_come_together(shop: Shop) -> None:
    upload(shop, {"settings.json": FORMS, **CONFIRM, "workflows/opt-in.json": OPT_IN})
    assert outcome(shop, "settings") == "published"
    assert outcome(shop, "workflows.opt-in") == "published"


def test_draft_does_not_count_as_confirmation_workflow(shop: Shop) -> None:
    draft = {**OPT_IN, "status": "draft"}
    upload(shop, {"settings.json": FORMS, **CONFIRM, "workflows/opt-in.json": draft})
    assert problems(shop, "settings") == [NEEDED]


def test_single_opt_in_form_needs_no_workflow(shop: Shop) -> None:
    upload(shop, {"settings.json": SINGLE})
    assert outcome(shop, "settings") == "published"


@pytest.mark.parametrize(
    "change",
    [
        None,
        {**OPT_IN, "status": "draft"},
        workflow(send("ask"), on="Other"),
        {**OPT_IN, "trigger": {"type": "manual"}},
    ],
)
def test_confirmation_workflow_cannot_be_removed_while_a_form_needs_it(
    shop: Shop, change: Any
) -> None:
    files = {**template("plain"), **CONFIRM}
    upload(shop, {"settings.json": FORMS, **files, "workflows/opt-in.json": OPT_IN})
    if change is None:
        upload(shop, {}, deleted=("workflows/opt-in.json",))
    else:
        upload(shop, {"workflows/opt-in.json": change})
    assert any("the form footer needs it" in p for p in problems(shop, "workflows.opt-in"))
    upload(shop, {"settings.json": SINGLE})
    assert outcome(shop, "settings") == "published"


def test_second_confirmation_workflow_allows_removing_the_first(shop: Shop) -> None:
    upload(shop, {"settings.json": FORMS, **CONFIRM, "workflows/opt-in.json": OPT_IN})
    upload(shop, {"workflows/other.json": OPT_IN})
    upload(shop, {}, deleted=("workflows/opt-in.json",))
    assert outcome(shop, "workflows.opt-in") == "archived"


def test_confirmation_mail_needs_the_link_and_must_be_transactional(shop: Shop) -> None:
    marketing = workflow(delay("1 hour"), send("ask"), on="Opt-In Requested")
    upload(
        shop, {"settings.json": settings(), **template("plain"), "workflows/opt-in.json": marketing}
    )
    assert problems(shop, "workflows.opt-in") == [
        "steps[1]: whoever has to confirm has not said yes to marketing yet "
        '(write "category": "transactional")',
        "steps[1]: plain has no link to confirm (body in en, text part in en) "
        "(write {{ urls.confirm }} outside of conditions)",
    ]


def test_other_mail_cannot_use_the_confirmation_link(shop: Shop) -> None:
    other = workflow(send("ask", "confirm"), category="transactional")
    upload(shop, {"settings.json": settings(), **CONFIRM, "workflows/cart.json": other})
    assert problems(shop, "workflows.cart") == [
        "steps[0]: confirm speaks of urls.confirm, and there is no sign-up to confirm "
        '(begin the workflow with the event "Opt-In Requested")'
    ]


def test_form_trigger_needs_an_existing_form(shop: Shop) -> None:
    hello = workflow(send("hello"), trigger={"type": "form", "form": "fotter"})
    upload(shop, {"settings.json": SINGLE, **template("plain"), "workflows/hello.json": hello})
    assert problems(shop, "workflows.hello") == [
        'trigger.form: settings.json has no form "fotter" (did you mean "footer"?)'
    ]


def test_form_used_by_a_workflow_cannot_be_removed(shop: Shop) -> None:
    hello = workflow(send("hello"), trigger={"type": "form", "form": "footer"})
    upload(shop, {"settings.json": SINGLE, **template("plain"), "workflows/hello.json": hello})
    upload(shop, {"settings.json": settings()})
    assert problems(shop, "settings") == [
        'forms: "footer" lets people into hello (change or delete that first)'
    ]
