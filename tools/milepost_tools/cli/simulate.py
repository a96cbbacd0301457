"""`milepost simulate`: shows what a workflow would do with a contact, before it goes live."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from milepost.base import times
from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.simulator.file import CaseInput
from milepost.simulator.test_case import run_case
from milepost.simulator.trace import EnrollmentTrace
from milepost_tools.cli.inputs import read_json, read_object, with_values
from milepost_tools.cli.output import (
    FileProblem,
    exit_with_problems,
    print_line,
    show_json,
    show_life,
    show_problems,
)
from milepost_tools.cli.publish_locally import publish_file


def simulate(
    file: Annotated[Path, typer.Argument(help="A workflow file in a store's folder.")],
    contact: Annotated[Path | None, typer.Option(help="A JSON file: the contact.")] = None,
    email: Annotated[str | None, typer.Option(help="The contact's address.")] = None,
    consent: Annotated[
        list[str] | None, typer.Option(help="A topic that the contact consents to.")
    ] = None,
    event: Annotated[
        Path | None, typer.Option(help="A JSON file: the data of the triggering event.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Set one value of the event data: total=150.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="A JSON file: a list of further events and their times.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Start time: 2026-11-02T12:00:00Z; now if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of random splits.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate a workflow for one contact, on a virtual clock. Nothing is sent."""
    person = read_object(contact, "a contact")
    if email is not None:
        person["email"] = email
    if consent:
        person["consents_to"] = [*person.get("consents_to", ()), *consent]
    document = {
        "contact": person,
        "start": start or times.format_instant(datetime.now(UTC)),
        "trigger": with_values(read_object(event, "the data of an event"), set_ or ()),
        "events": read_json(events) if events else [],
    }
    case_input = _case_input(document)
    if isinstance(case_input, list):
        exit_with_problems([FileProblem("the story", problem) for problem in case_input])
    name, shop = publish_file(file)
    trace, problems = run_case(name, case_input, shop.alone(name), seed=seed)
    if as_json:
        show_json(_document(trace, problems))
    else:
        show_life(trace)
        if problems:
            print_line()
            show_problems([FileProblem("the story", problem) for problem in problems])
    raise typer.Exit(1 if problems else 0)


def _case_input(document: dict[str, Any]) -> CaseInput | list[Problem]:
    try:
        return parse_file(json.dumps(document), CaseInput)
    except (RecursionError, ValueError):
        return [Problem("file", "is nested too deeply to be read")]


def _document(trace: EnrollmentTrace, problems: list[Problem]) -> dict[str, Any]:
    """The simulation as JSON: the trace in order, and the result."""
    return {
        "moments": [
            {
                "at": times.format_instant(moment.at),
                "kind": moment.kind,
                "step": moment.step or None,
                "text": moment.text,
                **({"detail": moment.detail} if moment.detail else {}),
            }
            for moment in trace.moments
        ],
        "path": trace.path,
        "ends": trace.ends or None,
        "reason": trace.reason or None,
        "problems": [FileProblem("the story", problem).to_json() for problem in problems],
    }
