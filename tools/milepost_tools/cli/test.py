"""`milepost test`: the tests of workflows, which lie in `tests/` beside them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from milepost.base.problems import Problem
from milepost.simulator.publish import Shop, open_shop
from milepost.simulator.test_case import STORE
from milepost.simulator.workflow_tests import Trial, no_workflow, read_tests, try_out
from milepost_tools.cli.local_store import Store, open_store
from milepost_tools.cli.output import Found, say, show_json, show_life, show_problems, warn
from milepost_tools.cli.template_pins import unknown_pins


class Tried(NamedTuple):
    """One case, or a file that has none because of its `problems`."""

    file: str
    workflow: str
    trial: Trial | None
    problems: tuple[Problem, ...]


def run_tests(
    path: Annotated[
        Path, typer.Argument(help="A store's folder, a workflow, or a file of tests.")
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Run the tests of workflows: what is expected, and what comes of it."""
    store = open_store(path)
    shop = open_shop(store.files, datetime.now(UTC))
    tried = [each for file in _files(store, path) for each in _tried(store, shop, file)]
    for workflow in dict.fromkeys(each.workflow for each in tried):
        warn(unknown_pins(store, shop, f"workflows/{workflow}.json"))
    failed = [each for each in tried if each.problems]
    if as_json:
        show_json([_document(each) for each in tried])
    else:
        for each in tried:
            _show(each)
        say(_summary(len(tried), len(failed)))
    raise typer.Exit(1 if failed else 0)


def _files(store: Store, path: Path) -> Iterator[str]:
    """The files of tests that a path is about."""
    asked = store.path_of(path)
    for file in sorted(store.files):
        if not file.startswith("tests/") or not file.endswith(".json"):
            continue
        whole = not asked or file == asked or file.startswith(f"{asked}/") or asked == "workflows"
        if whole or _about(store.files[file], asked):
            yield file


def _about(text: str, path: str) -> bool:
    tests = read_tests(text)
    return not isinstance(tests, list) and path == f"workflows/{tests.workflow}.json"


def _tried(store: Store, shop: Shop, file: str) -> Iterator[Tried]:
    shown = store.shown(file)
    tests = read_tests(store.files[file])
    if isinstance(tests, list):
        yield Tried(shown, "", None, tuple(tests))
        return
    report = shop.reports.get(f"workflows/{tests.workflow}.json")
    names = [*shop.shelf.head(STORE).workflows]
    if tests.workflow in names:
        for trial in try_out(shop.alone(tests.workflow), tests):
            yield Tried(shown, tests.workflow, trial, trial.problems)
    elif report is not None and report.problems:
        yield Tried(store.shown(report.file), tests.workflow, None, report.problems)
    else:
        yield Tried(shown, tests.workflow, None, (no_workflow(tests.workflow, names),))


def _show(tried: Tried) -> None:
    if tried.trial is None:
        show_problems([Found(tried.file, problem) for problem in tried.problems])
    elif not tried.problems:
        say(f"ok      {tried.workflow}: {tried.trial.name}")
    else:
        say(f"FAILED  {tried.workflow}: {tried.trial.name}")
        show_problems([Found(tried.file, problem) for problem in tried.problems])
        say("what happened:")
        show_life(tried.trial.life)
        say()


def _summary(count: int, failed: int) -> str:
    if not count:
        return "there are no tests: write some into tests/<workflow>.test.json"
    cases = f"{count} case{'' if count == 1 else 's'}"
    return f"{cases}: all good" if not failed else f"{failed} of {cases} failed"


def _document(tried: Tried) -> dict[str, object]:
    return {
        "file": tried.file,
        "workflow": tried.workflow or None,
        "case": tried.trial.name if tried.trial else None,
        "problems": [Found(tried.file, problem).to_json() for problem in tried.problems],
    }
