"""Every unit of a store with the errors that publishing would report."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.publishing.settings_file import SettingsFile
from milepost.publishing.workflows import path_of_tests
from milepost.simulator.publish import LocalStore, open_shop
from milepost.simulator.test_case import STORE
from milepost.simulator.workflow_tests import no_workflow, read_tests, run_tests
from milepost_tools.cli.fallback_settings import fallback_settings
from milepost_tools.cli.local_store import Store
from milepost_tools.cli.output import FileProblem
from milepost_tools.cli.template_pins import unknown_template_versions

SETTINGS = "settings.json"

Units = dict[str, list[FileProblem]]
"""The problems of each file, and of each template's folder, by its path in the bucket."""


class CheckedUnit(NamedTuple):
    """A unit's errors, and warnings about what a store's files alone cannot show."""

    problems: Units
    unknown: Units


def check_unit(store: Store) -> CheckedUnit:
    """Check settings first, then templates, workflows and tests. Report each error where it is
    made."""
    wrong = _of_settings(store)
    files = store.files
    if wrong:
        files = {**files, SETTINGS: fallback_settings(files, wrong)}
    shop = open_shop(files, datetime.now(UTC))
    problems: dict[str, list[Problem]] = {SETTINGS: wrong}
    for unit, report in shop.reports.items():
        if unit != SETTINGS or not wrong:
            problems[unit] = [p for p in report.problems if not _follows(p, shop)]
    for path, text in store.files.items():
        if path.startswith("tests/") and path.endswith(".json"):
            problems[path] = list(_of_tests(path, text, shop))
    return CheckedUnit(
        {unit: [_found(store, unit, p) for p in found] for unit, found in problems.items()},
        {
            unit: [*unknown_template_versions(store, shop, unit)]
            for unit in problems
            if _is_workflow(unit)
        },
    )


def _is_workflow(unit: str) -> bool:
    return unit.startswith("workflows/")


def _found(store: Store, unit: str, problem: Problem) -> FileProblem:
    """Problems with their file. The unit of a template is its folder; its problems name files in
    it."""
    if not problem.location.startswith("templates/"):
        return FileProblem(store.shown(unit), problem)
    path, _, place = problem.location.partition(":")
    place = f"line {place}" if place.isdigit() else place.strip() or "file"
    return FileProblem(store.shown(path), replace(problem, location=place))


def _of_settings(store: Store) -> list[Problem]:
    if SETTINGS not in store.files:
        return [Problem("file", "is missing", "it says who the store is, and its topics")]
    settings = parse_file(store.files[SETTINGS], SettingsFile)
    return settings if isinstance(settings, list) else []


def _follows(problem: Problem, shop: LocalStore) -> bool:
    """Whether the problem only says that a template is missing which exists but has errors
    itself."""
    refused = (unit for unit, report in shop.reports.items() if report.outcome == "refused")
    names = [unit.removeprefix("templates/") for unit in refused if unit.startswith("templates/")]
    return problem.location.endswith(".template") and any(f'"{n}"' in problem.reason for n in names)


def _of_tests(path: str, text: str, shop: LocalStore) -> Iterator[Problem]:
    tests = read_tests(text)
    if isinstance(tests, list):
        yield from tests
    elif f"workflows/{tests.workflow}.json" not in shop.reports:
        names = [path.removeprefix("workflows/")[:-5] for path in shop.reports]
        yield no_workflow(tests.workflow, names)
    elif path != path_of_tests(tests.workflow):
        remedy = f"call it {path_of_tests(tests.workflow)}, or publishing does not find it"
        yield Problem("workflow", f"this is not the file of {tests.workflow}'s tests", remedy)
    elif tests.workflow in shop.shelf.head(STORE).workflows:
        yield from run_tests(shop.alone(tests.workflow), tests)
