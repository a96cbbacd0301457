"""A function may be killed at any line, and AWS calls it again: nobody may notice.

Each story is told once undisturbed. Then it is told anew for every single call that a function
makes to the outside, with the function killed just before it, and again just after it. None of
these are samples: they are all there are.
"""

from collections import Counter
from collections.abc import Collection, Iterator

import pytest

from milepost.sending.message import NoResponse, SubmissionRejected
from tests.journeys.stories import (
    FILES,
    STORIES,
    TRANSACTIONAL,
    Story,
    accounts_balance,
    buys,
    never_answers,
    outcome,
    unknown,
)
from tests.support.faults import Faults, Kill, Phase, Scope
from tests.support.world import World

UNSENT = {"after ledger.claim", "before mailer.send"}
"""A message claimed and not handed over: whoever is killed here leaves nobody who knows."""

UNRECORDED = {"after mailer.send", "before ledger.record_result"}
"""A message handed over whose answer is not written down: only the post's own reports can tell."""

PHASES: tuple[Phase, ...] = ("before", "after")

each_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(FILES)
    return world


def tell(
    story: Story, published: World, faults: Faults | None = None, post_reports: bool = True
) -> World:
    world = World(published=published, faults=faults, post_reports=post_reports)
    story(world)
    return world


def kills(
    undisturbed: World, scope: Scope, at: Collection[str] = (), but: Collection[str] = ()
) -> Iterator[Kill]:
    """Every kill of a function that a story allows: those at these places, or all but these."""
    for kill, place in undisturbed.faults.kills(scope):
        if place in at or not (at or place in but):
            yield kill


def assert_sound(world: World) -> None:
    """What holds whatever happened: no copies, nobody left behind, and the accounts balance."""
    assert world.faults.struck
    copies = Counter(mail.ref.id for mail in world.mails)
    assert [id_ for id_, count in copies.items() if count > 1] == []
    assert {e.status for e in world.enrollments_of()} <= {"completed", "exited"}
    assert {e.status for e in world.step_functions.executions.values()} <= {"SUCCEEDED", "ABORTED"}
    assert accounts_balance(world)


@pytest.mark.parametrize("scope", ["react", "run_steps", "await_event", "learn"])
@each_story
def test_a_kill_changes_nothing_that_anyone_sees(
    story: Story, scope: Scope, published: World
) -> None:
    undisturbed = tell(story, published)
    expected = outcome(undisturbed)
    for kill in kills(undisturbed, scope, but=UNSENT):
        world = tell(story, published, Faults(kill))
        assert_sound(world)
        assert outcome(world) == expected, world.faults.struck


@each_story
def test_a_marketing_mail_whose_sender_was_killed_is_given_up_and_counted(
    story: Story, published: World
) -> None:
    for kill in kills(tell(story, published), "run_steps", at=UNSENT):
        world = tell(story, published, Faults(kill))
        assert_sound(world)
        lost = unknown(world)
        assert not {*lost} & {*world.steps_mailed(), *TRANSACTIONAL}
        assert all(world.messages()[step] == ("unknown", "interrupted") for step in lost)
        assert sum(done.given_up for done in world.reconciled) == len(lost) <= 1


def test_a_transactional_mail_whose_sender_was_killed_is_sent_after_all(published: World) -> None:
    undisturbed = tell(buys, published)
    worlds = [
        tell(buys, published, Faults(kill)) for kill in kills(undisturbed, "run_steps", at=UNSENT)
    ]
    saved = [world for world in worlds if not unknown(world)]
    assert len(saved) == len(TRANSACTIONAL)
    for world in saved:
        assert outcome(world) == outcome(undisturbed)
        assert sum(done.sent_again for done in world.reconciled) == 1


@pytest.mark.parametrize("story", [never_answers, buys], ids=lambda story: story.__name__)
def test_an_answer_that_was_not_recorded_stays_unknown_only_if_the_post_is_silent(
    story: Story, published: World
) -> None:
    """Marketing then stays at one copy, a transactional mail gets its second and last try."""
    for kill in kills(tell(story, published), "run_steps", at=UNRECORDED):
        assert unknown(tell(story, published, Faults(kill))) == []
    for kill in kills(tell(story, published, post_reports=False), "run_steps", at=UNRECORDED):
        world = tell(story, published, Faults(kill), post_reports=False)
        copies = Counter(world.steps_mailed())
        doubled = [step for step, count in copies.items() if count == 2]
        in_doubt = [*unknown(world), *doubled]
        assert len(in_doubt) == 1
        assert max(copies.values()) <= 2
        assert TRANSACTIONAL.isdisjoint(unknown(world))
        assert TRANSACTIONAL.issuperset(doubled)
        assert accounts_balance(world)


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(80))
@each_story
def test_any_number_of_kills_and_doubled_deliveries_never_doubles_a_marketing_mail(
    story: Story, seed: int, published: World
) -> None:
    world = World(published=published, faults=Faults(rate=0.01, seed=seed), echo=1 + seed % 3)
    troubles = (SubmissionRejected("Throttling", retry=True), NoResponse("timeout"))
    world.mailer.script.extend(troubles[: seed % 3])
    story(world)
    copies = Counter(mail.ref.id for mail in world.mails if mail.tags["step"] not in TRANSACTIONAL)
    assert not copies or max(copies.values()) == 1
    assert accounts_balance(world)
    assert all(e.status != "active" for e in world.enrollments_of())
    assert {e.status for e in world.step_functions.executions.values()} <= {"SUCCEEDED", "ABORTED"}
    in_doubt = [place for place in world.faults.struck if place in UNSENT | UNRECORDED]
    assert len(unknown(world)) <= len(in_doubt) + (seed % 3 == 2)
