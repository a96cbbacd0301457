"""Runs the tests of a workflow and compares the results with the expectations."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from milepost.base import times
from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem, did_you_mean
from milepost.base.times import format_duration, parse_duration
from milepost.enrollments.program import Program
from milepost.simulator.file import START, Case, Expected, ExpectedMessage, WorkflowTests
from milepost.simulator.publish import SegmentConditions, deploy, open_shop
from milepost.simulator.test_case import MAX_EVENTS, STORE, run_case
from milepost.simulator.trace import EnrollmentTrace, SentMail
from milepost.simulator.world import Deployment
from milepost.stores.settings import StoreSettings
from milepost.templates.version import TemplateVersion

MAX_TOGETHER = 100_000
"""The action limit of a test file. It takes about half a minute, and publishing waits for it."""


class CaseResult(NamedTuple):
    """The result of one case: its trace, and the differences from the expectation."""

    name: str
    life: EnrollmentTrace
    problems: tuple[Problem, ...]


def run_test_file(store_files: Mapping[str, str], text: str) -> list[Problem]:
    """Run a test file against a store's files, by their paths in the bucket.

    Returns the problems of the file, of the workflow and of the cases.
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
    """Run the tests of a compiled workflow before it goes live: the publish gate.

    `templates` are those that its steps send, with the live version of each last. `text` is the
    file at `path_of_tests`. `segments` are the live segments with their conditions.
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
    """Run the tests of a workflow that is live in the store `STORE` of `deployment`."""
    return [
        problem for trial in run_workflow_tests(deployment, tests) for problem in trial.problems
    ]


def run_workflow_tests(deployment: Deployment, tests: WorkflowTests) -> Iterator[CaseResult]:
    """Run one case after the other. Locations of problems start with `cases[0]`."""
    left = MAX_TOGETHER
    for number, case in enumerate(tests.cases):
        trace, impossible = run_case(tests.workflow, case, deployment, most=min(left, MAX_EVENTS))
        left -= trace.action_count
        found = [*impossible, *_differences(case, trace)]
        here = f"cases[{number}]"
        problems = tuple(replace_place(problem, here, ".") for problem in found)
        yield CaseResult(case.name, trace, problems)


def no_workflow(name: str, names: list[str]) -> Problem:
    return Problem("workflow", f'no workflow named "{name}"', did_you_mean(name, names))


def replace_place(problem: Problem, here: str, glue: str = ": ") -> Problem:
    return Problem(f"{here}{glue}{problem.location}", problem.reason, problem.remedy)


def _differences(case: Case, trace: EnrollmentTrace) -> Iterator[Problem]:
    expected = case.expect
    if expected.messages is not None:
        yield from _message_differences(expected.messages, trace)
    if expected.path is not None and tuple(expected.path) != trace.path:
        yield _difference("path", _list_steps(expected.path), _list_steps(trace.path))
    yield from _end_differences(expected, trace)


def _end_differences(expected: Expected, trace: EnrollmentTrace) -> Iterator[Problem]:
    if expected.ends is not None and expected.ends != trace.ends:
        why = f" ({trace.reason})" if trace.reason else ""
        yield _difference("ends", expected.ends, (trace.ends or "never entered") + why)
    elif expected.reason is not None and expected.reason != trace.reason:
        yield _difference("reason", f'"{expected.reason}"', f'"{trace.reason}"')


def _message_differences(
    expected: list[ExpectedMessage], trace: EnrollmentTrace
) -> Iterator[Problem]:
    wanted, sent = [e.step for e in expected], [mail.step for mail in trace.mails]
    if wanted != sent:
        yield _difference("messages", _list_steps(wanted), _list_mails(trace))
        return
    for number, (message, mail) in enumerate(zip(expected, trace.mails, strict=True)):
        for name, expected_value, actual in _checked_attributes(message, mail, trace.began):
            if expected_value != actual:
                yield _difference(f"messages[{number}].{name}", expected_value, actual)


def _checked_attributes(
    message: ExpectedMessage, mail: SentMail, began: datetime
) -> Iterator[tuple[str, str, str]]:
    """The checked attributes of a mail: name, expected value, actual value."""
    if message.at is not None:
        yield (
            "at",
            times.format_instant(times.parse_instant(message.at)),
            times.format_instant(mail.at),
        )
    if message.after is not None:
        elapsed = mail.at - began
        yield "after", format_duration(parse_duration(message.after)), format_duration(elapsed)
    if message.subject is not None:
        yield "subject", f'"{message.subject}"', f'"{mail.subject}"'
    if message.locale is not None:
        yield "locale", message.locale, mail.locale


def _difference(place: str, expected: str, actual: str) -> Problem:
    return Problem(f"expect.{place}", f"expected {expected}, but it was {actual}")


def _list_steps(steps: list[str] | tuple[str, ...]) -> str:
    return ", ".join(steps) or "none"


def _list_mails(trace: EnrollmentTrace) -> str:
    mails = [f"{mail.step} after {format_duration(mail.at - trace.began)}" for mail in trace.mails]
    return ", ".join(mails) or "none"
