"""The tests of a workflow, run: what was expected against what came of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from milepost.base import instants
from milepost.base.durations import format_duration, parse_duration
from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem, did_you_mean
from milepost.enrollments.program import Program
from milepost.simulator.file import START, Case, Expected, ExpectedMessage, WorkflowTests
from milepost.simulator.publish import SegmentConditions, deploy, open_shop
from milepost.simulator.test_case import MAX_EVENTS, STORE, run_case
from milepost.simulator.trace import EnrollmentTrace, SentMail
from milepost.simulator.world import Deployment
from milepost.stores.settings import StoreSettings
from milepost.templates.version import TemplateVersion

MAX_TOGETHER = 100_000
"""Things that may happen in all cases of one file: half a minute, and publishing waits for it."""


class CaseResult(NamedTuple):
    """One case that was run: what came of it, and what of that was not expected."""

    name: str
    life: EnrollmentTrace
    problems: tuple[Problem, ...]


def run_test_file(store_files: Mapping[str, str], text: str) -> list[Problem]:
    """Run a test file against a store's files, by their paths in the bucket.

    Everything that is wrong: with the file, with the workflow, with what comes of its stories.
    """
    tests = read_tests(text)
    if isinstance(tests, list):
        return tests
    shop = open_shop(store_files, START)
    report = shop.reports.get(f"workflows/{tests.workflow}.json")
    if report is not None and report.problems:
        return [replace_place(p, report.file) for p in report.problems]
    names = [*shop.shelf.head(STORE).workflows]
    if tests.workflow not in names:
        return [no_workflow(tests.workflow, names)]
    return run_tests(shop.alone(tests.workflow), tests)


def run_publish_tests(
    program: Program,
    settings: StoreSettings,
    templates: Iterable[TemplateVersion],
    text: str,
    segments: SegmentConditions | None = None,
) -> list[Problem]:
    """Run the tests of a workflow that has been compiled and is not live yet: the publish gate.

    `templates` are those that its steps send, of each the live version last, `text` is the file
    `path_of_tests` names, and `segments` are those that are live, with their conditions.
    """
    tests = read_tests(text)
    if isinstance(tests, list):
        return tests
    if tests.workflow != program.workflow:
        return [no_workflow(tests.workflow, [program.workflow])]
    return run_tests(deploy(program, settings, templates, segments), tests)


def read_tests(text: str) -> WorkflowTests | list[Problem]:
    return parse_file(text, WorkflowTests)


def run_tests(deployment: Deployment, tests: WorkflowTests) -> list[Problem]:
    """Run the tests of a workflow that `deployment` has as one of the store `STORE`."""
    return [
        problem for trial in run_workflow_tests(deployment, tests) for problem in trial.problems
    ]


def run_workflow_tests(deployment: Deployment, tests: WorkflowTests) -> Iterator[CaseResult]:
    """Run one case after the other; places begin with `cases[0]`."""
    left = MAX_TOGETHER
    for number, case in enumerate(tests.cases):
        life, impossible = run_case(tests.workflow, case, deployment, most=min(left, MAX_EVENTS))
        left -= life.action_count
        found = [*impossible, *_differences(case, life)]
        here = f"cases[{number}]"
        problems = tuple(replace_place(problem, here, ".") for problem in found)
        yield CaseResult(case.name, life, problems)


def no_workflow(name: str, names: list[str]) -> Problem:
    return Problem("workflow", f'no workflow named "{name}"', did_you_mean(name, names))


def replace_place(problem: Problem, here: str, glue: str = ": ") -> Problem:
    return Problem(f"{here}{glue}{problem.location}", problem.reason, problem.remedy)


def _differences(case: Case, life: EnrollmentTrace) -> Iterator[Problem]:
    expected = case.expect
    if expected.messages is not None:
        yield from _of_messages(expected.messages, life)
    if expected.path is not None and tuple(expected.path) != life.path:
        yield _other("path", _named(expected.path), _named(life.path))
    yield from _of_ending(expected, life)


def _of_ending(expected: Expected, life: EnrollmentTrace) -> Iterator[Problem]:
    if expected.ends is not None and expected.ends != life.ends:
        why = f" ({life.reason})" if life.reason else ""
        yield _other("ends", expected.ends, (life.ends or "never entered") + why)
    elif expected.reason is not None and expected.reason != life.reason:
        yield _other("reason", f'"{expected.reason}"', f'"{life.reason}"')


def _of_messages(expected: list[ExpectedMessage], life: EnrollmentTrace) -> Iterator[Problem]:
    wanted, sent = [e.step for e in expected], [mail.step for mail in life.mails]
    if wanted != sent:
        yield _other("messages", _named(wanted), _told(life))
        return
    for number, (message, mail) in enumerate(zip(expected, life.mails, strict=True)):
        for name, want, have in _facts(message, mail, life.began):
            if want != have:
                yield _other(f"messages[{number}].{name}", want, have)


def _facts(
    message: ExpectedMessage, mail: SentMail, began: datetime
) -> Iterator[tuple[str, str, str]]:
    """What is asked of a mail: the name of the fact, as it should be, as it is."""
    if message.at is not None:
        yield (
            "at",
            instants.format_instant(instants.parse_instant(message.at)),
            instants.format_instant(mail.at),
        )
    if message.after is not None:
        gone = mail.at - began
        yield "after", format_duration(parse_duration(message.after)), format_duration(gone)
    if message.subject is not None:
        yield "subject", f'"{message.subject}"', f'"{mail.subject}"'
    if message.locale is not None:
        yield "locale", message.locale, mail.locale


def _other(place: str, expected: str, actual: str) -> Problem:
    return Problem(f"expect.{place}", f"expected {expected}, but it was {actual}")


def _named(steps: list[str] | tuple[str, ...]) -> str:
    return ", ".join(steps) or "none"


def _told(life: EnrollmentTrace) -> str:
    told = [f"{mail.step} after {format_duration(mail.at - life.began)}" for mail in life.mails]
    return ", ".join(told) or "none"
