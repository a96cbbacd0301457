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
    result: CaseResult | None
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
    runs = [each for file in _files(store, path) for each in _run_file(store, shop, file)]
    for workflow in dict.fromkeys(each.workflow for each in runs):
        warn(unknown_template_versions(store, shop, f"workflows/{workflow}.json"))
    failed = [each for each in runs if each.problems]
    if as_json:
        show_json([_document(each) for each in runs])
    else:
        for each in runs:
            _show(each)
        print_line(_summary(len(runs), len(failed)))
    raise typer.Exit(1 if failed else 0)


def _files(store: Store, path: Path) -> Iterator[str]:
    """The test files at a path."""
    requested = store.path_of(path)
    for file in sorted(store.files):
        if not file.startswith("tests/") or not file.endswith(".json"):
            continue
        selected = (
            not requested
            or file == requested
            or file.startswith(f"{requested}/")
            or requested == "workflows"
        )
        if selected or _tests_workflow(store.files[file], requested):
            yield file


def _tests_workflow(text: str, path: str) -> bool:
    tests = read_tests(text)
    return not isinstance(tests, list) and path == f"workflows/{tests.workflow}.json"


def _run_file(store: Store, shop: LocalStore, file: str) -> Iterator[CaseRun]:
    local_file = store.shown(file)
    tests = read_tests(store.files[file])
    if isinstance(tests, list):
        yield CaseRun(local_file, "", None, tuple(tests))
        return
    report = shop.reports.get(f"workflows/{tests.workflow}.json")
    names = [*shop.shelf.head(STORE).workflows]
    if tests.workflow in names:
        for result in run_workflow_tests(shop.alone(tests.workflow), tests):
            yield CaseRun(local_file, tests.workflow, result, result.problems)
    elif report is not None and report.problems:
        yield CaseRun(store.shown(report.file), tests.workflow, None, report.problems)
    else:
        yield CaseRun(local_file, tests.workflow, None, (no_workflow(tests.workflow, names),))


def _show(runs: CaseRun) -> None:
    if runs.result is None:
        show_problems([FileProblem(runs.file, problem) for problem in runs.problems])
    elif not runs.problems:
        print_line(f"ok      {runs.workflow}: {runs.result.name}")
    else:
        print_line(f"FAILED  {runs.workflow}: {runs.result.name}")
        show_problems([FileProblem(runs.file, problem) for problem in runs.problems])
        print_line("what happened:")
        show_life(runs.result.life)
        print_line()


def _summary(count: int, failed: int) -> str:
    if not count:
        return "there are no tests: write some into tests/<workflow>.test.json"
    cases = f"{count} case{'' if count == 1 else 's'}"
    return f"{cases}: all good" if not failed else f"{failed} of {cases} failed"


def _document(runs: CaseRun) -> dict[str, object]:
    return {
        "file": runs.file,
        "workflow": runs.workflow or None,
        "case": runs.result.name if runs.result else None,
        "problems": [FileProblem(runs.file, problem).to_json() for problem in runs.problems],
    }
