"""A kill of a function at any call must not change the result, because AWS calls it again.

Each story runs once without faults, and then once for every call of a port, with a kill before the
call, and once with a kill after it. These are all calls, not a sample.
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
"""A kill here leaves a message that is claimed but not submitted."""

UNRECORDED = {"after mailer.send", "before ledger.record_result"}
"""A kill here leaves a submitted message without a result. Only delivery events can settle it."""

PHASES: tuple[Phase, ...] = ("before", "after")

each_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(FILES)
    return world


def run_story(
    story: Story, published: World, faults: Faults | None = None, post_reports: bool = True
) -> World:
    world = World(published=published, faults=faults, post_reports=post_reports)
    story(world)
    return world


def kills(
    undisturbed: World, scope: Scope, at: Collection[str] = (), but: Collection[str] = ()
) -> Iterator[Kill]:
    """The kills of a function in a story: at these places, or at all places but these."""
    for kill, place in undisturbed.faults.kills(scope):
        if place in at or not (at or place in but):
            yield kill


def assert_sound(world: World) -> None:
    """Check what always holds: no copies, no open enrollment, and correct counts."""
    assert world.faults.struck
    copies = Counter(mail.ref.id for mail in world.mails)
    assert [id_ for id_, count in copies.items() if count > 1] == []
    assert {e.status for e in world.enrollments_of()} <= {"completed", "exited"}
    assert {e.status for e in world.step_functions.executions.values()} <= {"SUCCEEDED", "ABORTED"}
    assert accounts_balance(world)


@pytest.mark.parametrize("scope", ["react", "run_steps", "await_event", "learn"])
@each_story
def test_kill_at_any_call_changes_no_outcome(story: Story, scope: Scope, published: World) -> None:
    undisturbed = run_story(story, published)
    expected = outcome(undisturbed)
    for kill in kills(undisturbed, scope, but=UNSENT):
        world = run_story(story, published, Faults(kill))
        assert_sound(world)
        assert outcome(world) == expected, world.faults.struck


@each_story
def test_marketing_killed_before_submission_is_abandoned_and_counted(
    story: Story, published: World
) -> None:
    for kill in kills(run_story(story, published), "run_steps", at=UNSENT):
        world = run_story(story, published, Faults(kill))
        assert_sound(world)
        lost = unknown(world)
        assert not {*lost} & {*world.steps_mailed(), *TRANSACTIONAL}
        assert all(world.messages()[step] == ("unknown", "interrupted") for step in lost)
        assert sum(done.given_up for done in world.scheduler_results) == len(lost) <= 1


def test_transactional_mail_killed_before_submission_is_retried(published: World) -> None:
    undisturbed = run_story(buys, published)
    worlds = [
        run_story(buys, published, Faults(kill))
        for kill in kills(undisturbed, "run_steps", at=UNSENT)
    ]
    resent = [world for world in worlds if not unknown(world)]
    assert len(resent) == len(TRANSACTIONAL)
    for world in resent:
        assert outcome(world) == outcome(undisturbed)
        assert sum(done.sent_again for done in world.scheduler_results) == 1


@pytest.mark.parametrize("story", [never_answers, buys], ids=lambda story: story.__name__)
def test_unrecorded_response_stays_unknown_only_without_delivery_events(
    story: Story, published: World
) -> None:
    """Marketing is not repeated; a transactional mail is sent a second and last time."""
    for kill in kills(run_story(story, published), "run_steps", at=UNRECORDED):
        assert unknown(run_story(story, published, Faults(kill))) == []
    for kill in kills(run_story(story, published, post_reports=False), "run_steps", at=UNRECORDED):
        world = run_story(story, published, Faults(kill), post_reports=False)
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
def test_random_kills_and_duplicate_deliveries_send_no_marketing_twice(
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
