"""`milepost test`: runs the test cases in `tests/` beside the workflows."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from milepost.base.problems import Problem
from milepost.simulator.publish import LocalStore, open_shop
from milepost.simulator.test_case import STORE
from milepost.simulator.workflow_tests import (
    CaseResult,
    no_workflow,
    read_tests,
    run_workflow_tests,
)
from milepost_tools.cli.local_store import Store, open_store
from milepost_tools.cli.output import (
    FileProblem,
    print_line,
    show_json,
    show_life,
    show_problems,
    warn,
)
from milepost_tools.cli.template_pins import unknown_template_versions


class CaseRun(NamedTuple):
    """The run of one test case, or a file that has none because of its `problems`."""

    file: str
    workflow: str
    trial: CaseResult | None
    problems: tuple[Problem, ...]


def run_tests(
    path: Annotated[
        Path, typer.Argument(help="A store's folder, a workflow file, or a test file.")
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the test cases of workflows."""
    store = open_store(path)
    shop = open_shop(store.files, datetime.now(UTC))
    tried = [each for file in _files(store, path) for each in _tried(store, shop, file)]
    for workflow in dict.fromkeys(each.workflow for each in tried):
        warn(unknown_template_versions(store, shop, f"workflows/{workflow}.json"))
    failed = [each for each in tried if each.problems]
    if as_json:
        show_json([_document(each) for each in tried])
    else:
        for each in tried:
            _show(each)
        print_line(_summary(len(tried), len(failed)))
    raise typer.Exit(1 if failed else 0)


def _files(store: Store, path: Path) -> Iterator[str]:
    """The test files at a path."""
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


def _tried(store: Store, shop: LocalStore, file: str) -> Iterator[CaseRun]:
    shown = store.shown(file)
    tests = read_tests(store.files[file])
    if isinstance(tests, list):
        yield CaseRun(shown, "", None, tuple(tests))
        return
    report = shop.reports.get(f"workflows/{tests.workflow}.json")
    names = [*shop.shelf.head(STORE).workflows]
    if tests.workflow in names:
        for trial in run_workflow_tests(shop.alone(tests.workflow), tests):
            yield CaseRun(shown, tests.workflow, trial, trial.problems)
    elif report is not None and report.problems:
        yield CaseRun(store.shown(report.file), tests.workflow, None, report.problems)
    else:
        yield CaseRun(shown, tests.workflow, None, (no_workflow(tests.workflow, names),))


def _show(tried: CaseRun) -> None:
    if tried.trial is None:
        show_problems([FileProblem(tried.file, problem) for problem in tried.problems])
    elif not tried.problems:
        print_line(f"ok      {tried.workflow}: {tried.trial.name}")
    else:
        print_line(f"FAILED  {tried.workflow}: {tried.trial.name}")
        show_problems([FileProblem(tried.file, problem) for problem in tried.problems])
        print_line("what happened:")
        show_life(tried.trial.life)
        print_line()


def _summary(count: int, failed: int) -> str:
    if not count:
        return "there are no tests: write some into tests/<workflow>.test.json"
    cases = f"{count} case{'' if count == 1 else 's'}"
    return f"{cases}: all good" if not failed else f"{failed} of {cases} failed"


def _document(tried: CaseRun) -> dict[str, object]:
    return {
        "file": tried.file,
        "workflow": tried.workflow or None,
        "case": tried.trial.name if tried.trial else None,
        "problems": [FileProblem(tried.file, problem).to_json() for problem in tried.problems],
    }
