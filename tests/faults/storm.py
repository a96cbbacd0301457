"""A shop in a storm: every call may die, be refused, lose its answer, or see others come between.

The services are the real ones on the adapters in memory; the post is one that knows the truth. One
seed is one story, always the same. To see a seed that failed: `python -m tests.faults.storm 17`.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, NamedTuple

from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.contacts.profile import Consent, Profile
from milepost.contacts.suppression import address_hash
from milepost.pages.unsubscribe import UnsubscribeEvidence
from milepost.runtime.scheduler import run_due
from milepost.sending.counts import StepCounts
from milepost.sending.link_tokens import UnsubscribeLink
from milepost.sending.message import (
    Accepted,
    Answer,
    Claimed,
    DeliveryEvent,
    NoResponse,
    OutgoingEmail,
    Reported,
    SubmissionRejected,
)
from tests.support.builders import MONDAY_NOON, STORE, contact, enrollment, send, shop, workflow
from tests.support.faults import Faults, Killed
from tests.support.world import World

STEPS = tuple(f"mail-{number}" for number in range(5))
FILES = shop(
    news=workflow(*map(send, STEPS)), receipts=workflow(*map(send, STEPS), category="transactional")
)
READERS = 20
MOST_TRIES = 400


class Weather(NamedTuple):
    """How often what goes wrong, of a thousand; `skew` is how far clocks may be off."""

    killed: int = 12
    refused: int = 8
    lost: int = 8
    meanwhile: int = 60
    post: int = 150
    told_twice: int = 300
    untold: int = 20
    regret: int = 60
    skew: timedelta = timedelta(minutes=5)


class Strike(NamedTuple):
    """One certain trouble, at the `number`th call of a story."""

    number: int
    how: str

    def at(self, number: int, before: bool, name: str) -> None:
        if number == self.number and before == (self.how in ("killed before", "refused")):
            raise Killed(name) if self.how.startswith("killed") else ThrottledError(name)


TROUBLES = ("killed before", "killed after", "refused", "answer lost")


STORMY = Weather()
CALM = Weather(0, 0, 0, 0, 0, 0, 0, 0, timedelta())


class Found(AssertionError):
    """A promise was broken."""


class Storm(Faults):
    """Stands between the services and the ports, as `Faults` does for `Environment`."""

    def __init__(self, chance: Random, weather: Weather) -> None:
        super().__init__()
        self.chance, self.weather = chance, weather
        self.raging = False
        self.depth = 0
        self.pending: list[Callable[[], object]] = []
        self.noes: set[tuple[str, str]] = set()
        self.begun: Counter[MessageRef] = Counter()
        self.doubts: set[MessageRef] = set()
        self.now_sending: MessageRef | None = None
        self.called: list[str] = []
        self.strike: Strike | None = None
        self.harm: Counter[str] = Counter()

    def around(self, port: Any, name: str) -> Any:
        return _Tossed(port, name, self)

    def ask(self, name: str, act: Callable[..., Any], args: Any, named: Any) -> Any:
        if not self.raging:
            return act(*args, **named)
        self.called.append(name)
        self._may_happen(name, before=True)
        answer = act(*args, **named)
        self._note(name, args, answer)
        self._may_happen(name, before=False)
        return answer

    def _may_happen(self, name: str, *, before: bool) -> None:
        if self.strike is not None:
            self.strike.at(len(self.called), before, name)
        chance, weather = self.chance.randrange(1000), self.weather
        if chance < weather.killed:
            self.harm[f"killed {'before' if before else 'after'} {name}"] += 1
            raise Killed(name)
        chance -= weather.killed
        of_table = not name.startswith(("mailer", "registry", "secrets"))
        trouble = weather.refused if before else weather.lost
        if of_table and chance < trouble:
            self.harm[f"{'refused' if before else 'answer lost'} {name}"] += 1
            raise ThrottledError(name)
        if chance - trouble < weather.meanwhile and self.pending and self.depth < 2:
            self.depth += 1
            doing, self.now_sending = self.now_sending, None
            try:
                self.happen()
            finally:
                self.depth -= 1
                self.now_sending = doing

    def happen(self) -> None:
        """Any one of the things that are about to happen, whole or cut off."""
        place = self.chance.randrange(len(self.pending))
        self.pending[place], self.pending[-1] = self.pending[-1], self.pending[place]
        self.pending.pop()()

    def _note(self, name: str, args: Any, answer: Any) -> None:
        """The truth, kept apart from what the product keeps: who said no, what was begun."""
        if name == "contacts.withdraw":
            self.noes |= {(args[0], fact.topic) for fact in args[1].contact.consents}
        elif name == "contacts.suppress":
            self.noes.add((args[1], "any"))
        elif name in ("ledger.claim", "ledger.claim_again") and isinstance(answer, Claimed):
            draft = args[0]
            self.begun[draft.ref] += 1
            self.now_sending = draft.ref
            if (address_hash(draft.recipient), "any") in self.noes:
                raise Found(f"{draft.step} was begun for an address that is suppressed")
            if draft.category == "marketing" and (draft.ref.contact, draft.topic) in self.noes:
                raise Found(f"{draft.step} was begun after its reader had unsubscribed")


class _Tossed:
    def __init__(self, port: Any, name: str, storm: Storm) -> None:
        self._port, self._name, self._storm = port, name, storm

    def __getattr__(self, method: str) -> Any:
        act, name, storm = getattr(self._port, method), f"{self._name}.{method}", self._storm

        def call(*args: Any, **named: Any) -> Any:
            return storm.ask(name, act, args, named)

        self.__dict__[method] = call
        return call


class Post:
    """SES, as it really is: what it took is the truth, what it answers may not arrive."""

    def __init__(self, sea: "Sea") -> None:
        self.sea = sea
        self.handed: list[tuple[OutgoingEmail, Answer]] = []
        self.submitted: Counter[MessageRef] = Counter()
        self.taken: Counter[MessageRef] = Counter()
        self.paused_for = 0

    @property
    def mails(self) -> list[OutgoingEmail]:
        return [mail for mail, _ in self.handed]

    def send(self, mail: OutgoingEmail) -> Answer:
        chance = self.sea.chance
        self.submitted[mail.ref] += 1
        if self.paused_for:
            self.paused_for -= 1
            self.submitted[mail.ref] -= 1
            return SubmissionRejected("SendingPausedException", retry=True)
        fate = chance.randrange(1000)
        if fate >= self.sea.weather.post:
            return self._take(mail)
        match fate % 8:
            case 0 | 1:
                self.submitted[mail.ref] -= 1
                return SubmissionRejected("TooManyRequestsException", retry=True)
            case 2 | 3:
                self._take(mail)
                return NoResponse("ReadTimeoutError")
            case 4:
                return NoResponse("ConnectTimeoutError")
            case 5:
                return NoResponse("503")
            case 6:
                return SubmissionRejected("MessageRejected")
            case _:
                self.paused_for = chance.randrange(20)
                self.submitted[mail.ref] -= 1
                return SubmissionRejected("AccountSuspendedException", retry=True)

    def _take(self, mail: OutgoingEmail) -> Answer:
        self.taken[mail.ref] += 1
        self.handed.append((mail, Accepted(mail.ref.id)))
        self.sea.follow(mail)
        return Accepted(mail.ref.id)


class Sea(World):
    """One story of `READERS` readers and a hundred decisions."""

    def __init__(
        self,
        published: World,
        seed: int,
        weather: Weather = STORMY,
        readers: Sequence[int] = tuple(range(READERS)),
    ) -> None:
        self.readers = readers
        self.chance, self.weather, self.skew = Random(seed), weather, timedelta()
        self.storm = Storm(self.chance, weather)
        super().__init__(published=published, faults=self.storm)

    def _wire(self) -> None:
        self.post = Post(self)
        self.mailer: Any = self.post
        super()._wire()
        # So much bounces here that the breaker would hold marketing back: it has its own tests.
        self.feedback_recorder = replace(self.feedback_recorder, reputation=None)

    @property
    def now(self) -> Any:
        return self.clock.now + self.skew

    # --- what happens ---

    def tell(self) -> None:
        """The whole story, up to the point where nobody has anything left to do."""
        for number in self.readers:
            self._enter(number)
        for _ in range(3):
            self.soon(self._minute)
        self.storm.raging = True
        while self.storm.pending:
            self.clock.now += timedelta(seconds=self.chance.randrange(45))
            self.storm.happen()
        for _ in range(8):
            self.clock.now += timedelta(minutes=30)
            self.soon(self._minute)
            while self.storm.pending:
                self.storm.happen()
        self.storm.raging = False

    def soon(self, action: Callable[[], object], tries: int = 0) -> None:
        self.storm.pending.append(partial(self._attempt, action, tries))

    def _attempt(self, action: Callable[[], object], tries: int) -> None:
        """One invocation, on a machine whose clock may be off; AWS repeats what did not finish."""
        before, self.skew = self.skew, self.weather.skew * self.chance.uniform(-1, 1)
        try:
            action()
        except (Killed, ThrottledError):
            if self.storm.now_sending is not None:
                self.storm.doubts.add(self.storm.now_sending)
            if tries == MOST_TRIES:
                raise Found("something did not finish, however often it was tried") from None
            self.soon(action, tries + 1)
        finally:
            self.skew = before
            self.storm.now_sending = None

    def _enter(self, number: int) -> None:
        email = f"reader-{number}@mail.example"
        own, name = contact(email), "news" if number % 2 else "receipts"
        ref = EnrollmentRef(STORE, own, name, 1, f"e-{number}")
        inside = enrollment(ref)
        known = Profile(
            STORE,
            own,
            {"email": (email, "2026-11-02T12:00:00.000Z", "evt-1")},
            consent={"offers": Consent("granted", MONDAY_NOON, "form", "footer")},
            active_enrollments={ref.id: inside.presence()},
            last_sequence=1,
        )
        assert self.contacts.apply(None, known)
        assert self.enrollments.enroll(inside)
        for _ in range(1 + (self.chance.randrange(1000) < self.weather.told_twice)):
            self.soon(partial(self.runner.run, ref, STEPS[0], 0, 0))

    def _minute(self) -> None:
        timers = self.storm.around(self.timers, "timers")
        apart = ErrorCollector()
        run_due(timers, self.retrier, self.execution_starter, self.reevaluator, self.now, apart)
        apart.raise_if_any("things that are due")

    def follow(self, mail: OutgoingEmail) -> None:
        """What becomes of a mail that the post took, told in no order and as often as it likes."""
        rare = self.chance.randrange(1000)
        fates: list[Reported] = ["sent", "delivered"]
        if rare < self.weather.regret:
            fates.append(("bounced", "complained", "opened", "clicked")[rare % 4])
            if rare % 5 == 0:
                self.soon(partial(self._regret, mail))
        for fate in fates:
            self._report(mail, fate)

    def _report(self, mail: OutgoingEmail, fate: Reported) -> None:
        chance = self.chance.randrange(1000)
        if chance < self.weather.untold:
            return
        report = DeliveryEvent(fate, self.clock.now, mail.to, "a" if fate == "clicked" else "")
        if fate == "bounced":
            report = report._replace(detail="Bounce", permanent=chance % 3 > 0)
        learn = partial(self.feedback_recorder.record, STORE, mail.ref.id, report)
        for _ in range(1 if chance > self.weather.told_twice else 1 + chance % 3):
            self.soon(learn)

    def _regret(self, mail: OutgoingEmail) -> None:
        claim = UnsubscribeLink(STORE, mail.ref.contact, "offers", mail.ref.id)
        self.unsubscriber.unsubscribe(claim, "topic", UnsubscribeEvidence("one-click"), self.now)

    # --- what must hold ---

    def judge(self) -> None:
        """Compare what the product says of every decision with what really happened."""
        messages = self.state.messages
        due = len(self.readers) * len(STEPS)
        if len(messages) != due:
            raise Found(f"{due} decisions were due, {len(messages)} are known")
        for ref, message in messages.items():
            self._judge(ref, message)
        for odd, name in enumerate(("receipts", "news")):
            decided = sum(number % 2 == odd for number in self.readers)
            for step, counts in self.numbers(name).steps.items():
                self._count(step, counts, decided)

    def _judge(self, ref: MessageRef, message: Any) -> None:
        status, step = message["status"], message["step"]
        copies, most = self.post.taken[ref], 1 if message["category"] == "marketing" else 2
        if copies > most:
            raise Found(f"{step}: {copies} copies of a {message['category']} mail")
        if self.post.submitted[ref] > most:
            raise Found(f"{step}: {self.post.submitted[ref]} submissions")
        if status in ("claimed", "throttled"):
            raise Found(f"{step}: nobody decides what became of it")
        if status == "accepted" and not copies:
            raise Found(f"{step} is counted as sent, and the post never had it")
        if status in ("skipped", "failed", "rejected") and copies:
            raise Found(f"{step} is counted as {status}, and somebody has it")
        if status == "unknown" and not self.post.submitted[ref] and ref not in self.storm.doubts:
            raise Found(f"{step} is unknown, though nothing happened that could not be known")

    def _count(self, step: str, counts: StepCounts, decided: int) -> None:
        total = counts.sent + counts.skipped + counts.failed + counts.unknown
        if not counts.decided == total == decided:
            raise Found(f"{step}: {counts}")


def published() -> World:
    world = World()
    world.publish(FILES)
    return world


def weather_report(sea: Sea) -> str:
    """What happened in a story, for whoever looks at one seed."""
    fates = Counter(message["status"] for message in sea.state.messages.values())
    copies = Counter(sea.post.taken.values())
    noes = len(sea.storm.noes)
    lines = [f"statuses {dict(fates)}", f"copies {dict(copies)}", f"said no: {noes}"]
    return "\n".join(
        [*lines, *(f"{count:4} {what}" for what, count in sea.storm.harm.most_common())]
    )


if __name__ == "__main__":
    alone = Sea(published(), int(sys.argv[1]))
    alone.tell()
    print(weather_report(alone))
    alone.judge()
