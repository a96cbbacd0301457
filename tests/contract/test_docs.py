"""The documents say what is so: examples are valid, and what they name exists."""

import json
import re
from pathlib import Path

import pytest

from milepost.adapters.shops.generic import EventIn
from milepost.domain.conditions import OPERATORS
from milepost.domain.graph import build_program, check_steps
from milepost.domain.reading import read_file
from milepost.domain.workflow import Workflow

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = "\n".join(
    path.read_text("utf-8") for path in sorted((ROOT / "layers/common/milepost").rglob("*.py"))
)


def _examples(language: str) -> list[tuple[str, str]]:
    return [
        (page.relative_to(ROOT).as_posix(), block)
        for page in PAGES
        for block in re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]


@pytest.mark.parametrize(("page", "text"), _examples("json"))
def test_every_workflow_in_the_documents_can_be_published(page: str, text: str) -> None:
    workflow = read_file(text, Workflow)
    assert isinstance(workflow, Workflow), f"{page}: {workflow}"
    assert check_steps(workflow) == []
    assert build_program("example", 1, workflow).nodes


def test_the_event_in_the_readme_is_accepted() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    request = text[text.index("POST /v1/acme/events") :].partition("```")[0]
    EventIn.model_validate(json.loads(request[request.index("{") :]))


def test_every_file_that_a_page_links_to_exists() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_operator_is_documented() -> None:
    page = (ROOT / "docs/workflow-language.md").read_text("utf-8")
    assert [operator for operator in OPERATORS if f"`{operator}`" not in page] == []


def test_the_metrics_in_operations_are_those_that_are_counted() -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]+)`", page.partition("## Metrics")[2]))
    counted = set(re.findall(r'count\("(\w+)"', CODE))
    assert named - {"Milepost"} == counted


def test_the_error_codes_in_the_api_page_are_those_that_are_given() -> None:
    page = (ROOT / "docs/api.md").read_text("utf-8")
    for code in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", page.partition("| answer |")[2]):
        if code not in {"results", "shopify_secret"}:
            assert f'"{code}"' in CODE, code


def test_the_readme_has_two_commands_to_begin_with() -> None:
    first = _examples("")[1][1]
    assert first.split("\n")[:2] == ["make demo", "make test"]
