"""Properties of imports, for any earlier events and any file."""

import csv as python_csv
import io
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.contacts.profile import Consent
from tests.support.builders import MONDAY_NOON
from tests.support.builders import settings as settings_file
from tests.support.imports import Desk
from tests.support.laws import how_many
from tests.support.world import World

PEOPLE = ["ada@mail.example", "bob@mail.example", "carl@mail.example"]
COLUMNS = {
    "mail": "email",
    "id": "external_id",
    "name": "first_name",
    "city": "properties.city",
    "points": {"field": "properties.points", "type": "number"},
    "lists": "lists",
    "stage": "stage",
    "says": "consent",
    "news": "consent.news",
}
cells = {
    "mail": st.sampled_from([*PEOPLE, "", "nobody"]),
    "id": st.sampled_from(["", "7", "8"]),
    "name": st.sampled_from(["", "Ada", 'Bo, the "other"', "=1+1"]),
    "city": st.sampled_from(["", "Oslo", "Rome"]),
    "points": st.sampled_from(["", "3", "x"]),
    "lists": st.sampled_from(["", "vip", "vip;old"]),
    "stage": st.sampled_from(["", "won"]),
    "says": st.sampled_from(["", "yes", "no"]),
    "news": st.sampled_from(["", "no"]),
}
rows = st.lists(st.fixed_dictionaries(cells), max_size=6)
pasts = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.fixed_dictionaries(
            {},
            optional={
                "first_name": st.sampled_from(["Adele", "Ada"]),
                "external_id": st.sampled_from(["7", "9"]),
                "properties": st.sampled_from([{"city": "Oslo"}, {"points": 9}]),
                "consent": st.sampled_from(["granted", "withdrawn"]).map(
                    lambda state: [
                        {"topic": "offers", "state": state, "at": "2026-11-01T00:00:00Z"}
                    ]
                ),
            },
        ),
    ),
    max_size=4,
)
LAW = settings(max_examples=how_many(60), deadline=None, derandomize=True)


def file_of(table: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = python_csv.DictWriter(out, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


_published = World()
_published.publish({"settings.json": settings_file()})


def after(past: list[tuple[str, dict[str, Any]]], batches: float = float("inf")) -> Desk:
    """A store in which these events have happened."""
    desk = Desk(World(published=_published), batches=batches)
    for number, (email, fields) in enumerate(past):
        at = MONDAY_NOON - timedelta(hours=9 - number)
        desk.world.event(f"Event {number}", email=email, at=at, **fields)
    desk.pass_time(1)
    return desk


def known(desk: Desk) -> dict[str, Any]:
    return {
        contact: profile.as_data()
        for (_, contact), profile in desk.world.state.profiles.items()
        if profile.fields or profile.totals
    }


def consents(desk: Desk) -> dict[tuple[str, str], Consent]:
    return {
        (contact, topic): consent
        for (_, contact), profile in desk.world.state.profiles.items()
        for topic, consent in profile.consent.items()
    }


@given(pasts, rows)
@LAW
def test_importing_twice_equals_importing_once(
    past: list[tuple[str, dict[str, Any]]], table: list[dict[str, str]]
) -> None:
    once, twice = after(past), after(past)
    once.bring(file_of(table), columns=COLUMNS)
    once.pass_time(60)
    twice.bring(file_of(table), columns=COLUMNS)
    second = twice.bring(file_of(table), name="again", columns=COLUMNS)
    twice.pass_time(60)
    assert known(twice) == known(once)
    assert second.counts.created == second.counts.updated == 0
    assert {k: v.state for k, v in consents(twice).items()} == {
        k: v.state for k, v in consents(once).items()
    }


@given(pasts, rows)
@LAW
def test_undone_import_restores_every_contact(
    past: list[tuple[str, dict[str, Any]]], table: list[dict[str, str]]
) -> None:
    desk = after(past)
    before, answers = known(desk), consents(desk)
    done = desk.take_back(desk.bring(file_of(table), columns=COLUMNS, lists=["all"]))
    desk.pass_time(60)
    assert done.phase in {"undone", "refused"}
    assert {c: _without_empty_lists(d) for c, d in known(desk).items()} == before
    for key, consent in consents(desk).items():
        assert consent == answers.get(key) or consent.state == "withdrawn"


def _without_empty_lists(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out an empty `lists`."""
    return {name: value for name, value in data.items() if name != "lists" or any(value.values())}


@given(pasts, rows)
@LAW
def test_import_never_grants_consent(
    past: list[tuple[str, dict[str, Any]]], table: list[dict[str, str]]
) -> None:
    desk = after(past)
    answers = consents(desk)
    desk.bring(file_of(table), columns=COLUMNS)
    for key, consent in consents(desk).items():
        assert consent == answers.get(key) or consent.state == "withdrawn"


@given(pasts, rows, st.integers(1, 3))
@LAW
def test_dry_run_counts_match_the_import(
    past: list[tuple[str, dict[str, Any]]], table: list[dict[str, str]], batches: int
) -> None:
    desk = after(past)
    checked = desk.bring(file_of(table), columns=COLUMNS, dry_run=True)
    done = desk.bring(file_of(table), columns=COLUMNS)
    assert checked.counts == done.counts
