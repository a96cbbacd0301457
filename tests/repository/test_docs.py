"""The documentation is correct: examples are valid and run, and what they name exists."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from milepost.api.event_body import EventIn
from milepost.base.parse_file import parse_file
from milepost.conditions.operators import OPERATORS
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.publishing.settings_file import SettingsFile
from milepost.simulator.file import START, CaseInput
from milepost.simulator.functions import WIRING
from milepost.simulator.publish import LocalStore, open_shop
from milepost.simulator.test_case import run_case
from milepost.templates.calendars import CALENDARS
from milepost.templates.check import KNOWN
from milepost.templates.compile import compile_template
from milepost.templates.filters import TEMPLATE_FILTERS
from milepost.templates.formats import WIDTHS
from milepost.templates.rendering import Renderer
from milepost.templates.version import TemplateVersion
from milepost.workflows.compiler.check_conditions import check_conditions
from milepost.workflows.compiler.check_steps import (
    KINDS,
    build_program,
    check_available,
    check_flow,
)
from milepost.workflows.compiler.state_machine import state_machine
from milepost.workflows.language.workflow import Workflow
from milepost_tools.reference.vocabulary import (
    CONDITIONS,
    STEPS,
    TRIGGERS,
    examples_needed,
    examples_of,
)
from tests.support import reference, settings_page
from tests.support.asl_rules import problems
from tests.support.commands import milepost
from tests.support.reference import EXAMPLES

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ALL_PAGES = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
CODE = "\n".join(
    path.read_text("utf-8")
    for path in sorted([*ROOT.glob("layers/common/milepost/**/*.py"), *ROOT.glob("tools/**/*.py")])
)


def _blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page: the text after the fence, and the content."""
    return re.findall(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)


def _examples(language: str) -> list[tuple[str, str]]:
    return [
        (page.relative_to(ROOT).as_posix(), block)
        for page in PAGES
        for info, block in _blocks(page.read_text("utf-8"))
        if info == language
    ]


def _whole(page: str, text: str) -> bool:
    """The whole files of the reference's examples, of which the page shows parts."""
    return page != "docs/workflow-language.md" or ('"steps"' in text and '"title"' in text)


def compiled(text: str, name: str = "example") -> Workflow:
    workflow = parse_file(text, Workflow)
    assert isinstance(workflow, Workflow), f"{name}: {workflow}"
    assert check_flow(workflow) == []
    assert [*check_conditions(workflow)] == []
    assert problems(state_machine(build_program(name, 1, workflow), WIRING)) == []
    return workflow


@pytest.mark.parametrize(
    ("page", "text"), [(page, text) for page, text in _examples("json") if _whole(page, text)]
)
def test_documented_workflow_can_be_published(page: str, text: str) -> None:
    workflow = compiled(text)
    assert [*check_available(workflow)] == [], page


def test_documented_senders_are_valid_settings() -> None:
    _may_stand_in_settings("docs/operations.md")


def test_documented_forms_are_valid_settings() -> None:
    _may_stand_in_settings("docs/forms.md")


def test_documented_sending_settings_are_valid() -> None:
    _may_stand_in_settings("docs/sending.md")


def test_documented_template_settings_are_valid() -> None:
    _may_stand_in_settings("docs/templates.md")


@pytest.mark.parametrize("text", [text for _, text in _examples("jinja")])
def test_documented_template_snippet_renders(text: str) -> None:
    made = compile_template("m", {"subject.txt": "s", "body.html": text}, {}, "en", ["en"])
    assert isinstance(made, TemplateVersion), made
    products = [{"name": "Lamp", "quantity": 2, "price": "9.50"}]
    context = {
        "contact": {"properties": {}},
        "event": {"products": products, "currency": "EUR", "checkout_url": "https://x.example/"},
        "store": {"url": "https://shop.example.com/"},
        "now": "2026-11-22T22:00:00.000Z",
    }
    assert Renderer(made).render(context, "en").text.strip()


def test_template_page_names_all_filters_and_values() -> None:
    page = (ROOT / "docs/templates.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    parts = {part for known in KNOWN.values() for part in known or ()}
    assert {*TEMPLATE_FILTERS, *KNOWN, *parts, *WIDTHS, *CALENDARS} - named == set()


def _may_stand_in_settings(place: str) -> None:
    (text,) = (text for page, text in _examples("jsonc") if page == place)
    shop = {"name": "A", "url": "https://shop.example", "postal_address": "An address"}
    document = {**shop, "topics": {"news": "News"}, **json.loads(text)}
    assert isinstance(parse_file(json.dumps(document), SettingsFile), SettingsFile)


def test_documented_minimal_settings_are_complete() -> None:
    (text,) = (text for page, text in _examples("jsonc") if page == "docs/settings.md")
    assert isinstance(parse_file(text, SettingsFile), SettingsFile)


def test_settings_page_matches_models() -> None:
    """If it fails, run `PYTHONPATH=layers/common:tools python -m tests.support.settings_page`."""
    assert settings_page.PAGE.read_text("utf-8") == settings_page.text()


# --- the reference of the workflow language -----------------------------------------------------


def test_workflow_reference_matches_models() -> None:
    """If it fails, run `PYTHONPATH=layers/common:tools python -m tests.support.reference`."""
    assert reference.PAGE.read_text("utf-8") == reference.text()


def test_every_word_of_language_has_exactly_one_example() -> None:
    assert sorted(EXAMPLES) == sorted(examples_needed())


def test_links_in_reference_point_to_its_headings() -> None:
    page = reference.PAGE.read_text("utf-8")
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert len(anchors) == len(headings)
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert links - anchors == set()
    assert {"paths", "values-from-the-data", "step-send_email"} <= links


LATER = {kind.example for kind in (*TRIGGERS, *STEPS, *CONDITIONS) if kind.model in KINDS}
LATER |= {"part-winner"}
NOW = sorted(EXAMPLES.keys() - LATER)


@pytest.mark.parametrize("name", EXAMPLES)
def test_documented_example_compiles(name: str) -> None:
    text = EXAMPLES[name].read_text("utf-8")
    workflow = compiled(text, name)
    assert bool([*check_available(workflow)]) is (name in LATER)
    schema = EXAMPLES[name].parent / json.loads(text)["$schema"]
    assert schema.resolve() == ROOT / "workflows/schema/workflow.schema.json"


CONTACT = {
    "email": "shopper@mail.example",
    "first_name": "Ann",
    "timezone": "Europe/Paris",
    "consents_to": ["offers", "news"],
    "properties": {
        "country": "FR",
        "plan": "free",
        "birthday": "1990-01-08",
        "joined": "2024-05-01",
        "last_visit": "2026-01-02",
        "renewal_date": "2026-01-20",
    },
}
CART = {
    "checkout_id": "c-1",
    "total": 120,
    "currency": "EUR",
    "coupon": "SUMMER-10",
    "locale": "pt-BR",
    "timezone": "Europe/Lisbon",
    "products": [{"name": "Trail", "category": "Running shoes", "price": 60, "quantity": 2}],
}
ORDERS = [
    {"before": f"{days} days", "event": "Order Completed", "properties": {"total": 300}}
    for days in (20, 10)
]
CLICK = {"after": "3 hours", "clicks": "first", "link": "https://shop.example.com/cart"}
TALES: dict[str, dict[str, Any]] = {
    "trigger-contact": {"trigger": {"plan": "premium"}},
    "condition-did": {"events": ORDERS},
    "condition-sum-of": {"events": ORDERS},
    "condition-in-segment": {"events": ORDERS},
    "condition-email": {"events": [CLICK]},
}
"""The events after which an example does what it shows."""


@cache
def shop() -> LocalStore:
    """The shipped store with the examples in place of its workflows. `welcome` is one that they
    name."""
    shipped = ROOT / "workflows"
    parts = [*(shipped / "templates").rglob("*.*"), *(shipped / "segments").glob("*.json")]
    paths = [shipped / "settings.json", *parts]
    files = {path.relative_to(shipped).as_posix(): path.read_text("utf-8") for path in paths}
    shown = {name: EXAMPLES[name] for name in NOW} | {"welcome": EXAMPLES["trigger-manual"]}
    shown |= {"opt-in": shipped / "opt-in.json"}  # the form in the settings needs it
    files |= {f"workflows/{name}.json": path.read_text("utf-8") for name, path in shown.items()}
    return open_shop(files, START)


@pytest.mark.parametrize("name", NOW)
def test_documented_example_runs_as_shown(name: str) -> None:
    report = shop().reports[f"workflows/{name}.json"]
    assert report.problems == ()
    tale = CaseInput.model_validate({"contact": CONTACT, "trigger": CART, **TALES.get(name, {})})
    life, impossible = run_case(name, tale, shop().alone(name))
    assert impossible == []
    assert life.ends in {"completed", "exited"}, life
    assert not [moment for moment in life.moments if moment.kind == "no mail"]
    shown = examples_of(name, json.loads(EXAMPLES[name].read_text("utf-8")))
    if name.startswith("step-"):
        assert shown["id"] in life.path
    if name.startswith(("condition-", "operator-", "trigger-")):
        assert life.mails


STRANGER = {"email": "stranger@mail.example", "properties": {"country": "US", "plan": "gold"}}
SAME_FOR_ALL = {"condition-did-not", "condition-step", "condition-in-workflow", "condition-in-list"}
ASKING = [name for name in NOW if name.startswith(("condition-", "operator-"))]


@pytest.mark.parametrize("name", [name for name in ASKING if name not in SAME_FOR_ALL])
def test_documented_condition_is_not_always_true(name: str) -> None:
    cart = {"checkout_id": "c-2", "currency": "USD"}
    consenting = (
        STRANGER if name == "condition-consents-to" else STRANGER | {"consents_to": ["offers"]}
    )
    tale = CaseInput.model_validate({"contact": consenting, "trigger": cart})
    life, _ = run_case(name, tale, shop().alone(name))
    assert [mail.step for mail in life.mails if mail.step != "first"] == []


def test_readme_event_is_accepted() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    request = text[text.index("POST /v1/acme/events") :].partition("```")[0]
    EventIn.model_validate(json.loads(request[request.index("{") :]))


def test_readme_figures_match_last_benchmark() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text("utf-8"))
    cpu, units = found["cpu_ms_per_call"], found["abandoned_cart_path"]["units"]
    ratios = [handler["ratio"] for handler in found["imports"].values()]
    told = re.findall(
        r"^\| (?!what|---)[^|]+\| ([^|]+) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert told[-10:] == [
        *(f"{cpu[name]['median']:.1f} ms" for name in ("trigger_event", "run_steps", "react")),
        f"{found['mail_of_30_kb']['ratio']:.2f}",
        f"{min(ratios):.2f} to {max(ratios):.2f}",
        f"{cpu['trigger_event']['writes_per_call']:g}",
        f"{found['transitions_on_longest_path']['abandoned-cart']}",
        f"{units['write']:g} written, {units['read']:g} read",
        f"{found['segments_in_process']['contacts_per_cpu_s']:,}",
        f"{found['check_of_50_workflows_s']['median']:.1f} s",
    ]


def test_architecture_page_names_every_function() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z_]+)`", page))
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert functions - named == set()


def test_every_page_link_points_to_existing_file_and_heading() -> None:
    for page in ALL_PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8")):
            path, _, heading = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), f"{page.name} links to {link}"
            if heading:
                assert heading in _anchors(target.read_text("utf-8")), f"{page.name}: {link}"


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub generates for a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_docs_index_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    linked = {(ROOT / "docs" / link).resolve() for link in re.findall(r"\]\(([^)#]+)", index)}
    pages = {page for page in PAGES if page.name != "README.md" and ".intro." not in page.name}
    assert pages - linked == set()


def _prose(page: Path) -> list[str]:
    """The lines of a page outside its code blocks."""
    text = re.sub(r"^```.*\n(?:.*\n)*?```$", "", page.read_text("utf-8"), flags=re.MULTILINE)
    return text.splitlines()


@pytest.mark.parametrize("page", [page for page in ALL_PAGES if page != reference.PAGE], ids=str)
def test_page_wraps_lines_at_100_columns(page: Path) -> None:
    """A table row and an image link cannot be wrapped."""
    long = [line for line in _prose(page) if len(line) > 100 and line[0] not in "|!["]
    assert long == []


UNPLAIN = (
    "whoever",
    "whosoever",
    "nobody",
    "somebody",
    "everybody",
    "anybody",
    "wherefore",
    "leg",
    "legs",
    "lookout",
    "lookouts",
    "astray",
    "deed",
    "deeds",
    "crowd",
    "premises",
    "thaw",
    "poison",
    "occasion",
    "occasions",
    "parked",
    "put aside",
    "goes on",
    "go on",
)
"""Words that the pages avoid; docs/glossary.md has a plain word for each."""


@pytest.mark.parametrize("page", ALL_PAGES, ids=str)
def test_page_is_in_plain_english(page: Path) -> None:
    prose = re.sub(r"`[^`]*`", "", "\n".join(_prose(page)))
    found = re.findall(rf"\b(?:{'|'.join(UNPLAIN)})\b", prose, re.IGNORECASE)
    assert found == []


def test_readme_flowchart_matches_draw_command() -> None:
    ((_, shown),) = _examples("mermaid")
    drawn = milepost("draw", ROOT / "workflows/abandoned-cart.json")
    assert shown.strip() == drawn.out.strip()


def test_every_operator_is_documented() -> None:
    page = (ROOT / "docs/workflow-language.md").read_text("utf-8")
    assert [operator for operator in OPERATORS if f"`{operator}`" not in page] == []


def test_metrics_in_operations_page_match_code() -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]+)`", page.partition("## Metrics")[2]))
    counted = set(re.findall(r'(?<![.\w])count_metric\("(\w+)"', CODE))
    assert named - {"Milepost"} == counted


def test_error_codes_in_api_page_match_code() -> None:
    page = (ROOT / "docs/api.md").read_text("utf-8")
    for code in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", page.partition("| answer |")[2]):
        if code not in {"results", "shopify_secret", *(f"bad_{name}" for name in CONTACT_FIELDS)}:
            assert f'"{code}"' in CODE, code


def test_readme_starts_with_two_commands() -> None:
    first = _examples("")[0][1]
    assert first.split("\n")[:2] == ["make demo", "make test"]
