"""Runs the send path with random faults: kills, throttling, lost responses and overlaps.

The services are real, on the in-memory adapters. `FakeSes` knows what was really sent. The same
seed always gives the same run. To repeat a seed that failed: `python -m tests.faults.storm 17`.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, NamedTuple

from milepost.base.addresses import address_hash
from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.contacts.profile import Consent, Profile
from milepost.pages.unsubscribe import UnsubscribeEvidence
from milepost.runtime.scheduler import run_due
from milepost.sending.counts import StepCounts
from milepost.sending.links import UnsubscribeLink
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
RECIPIENTS = 20
MAX_TRIES = 400


class FaultRates(NamedTuple):
    """How often each fault happens, per thousand; `skew` is the largest error of a clock.

    `killed`, `throttled`, `response_lost` and `interleaved` apply to calls of ports; `ses` to
    submissions; `event_repeated`, `event_lost` and `negative_reaction` to delivery events.
    """

    killed: int = 12
    throttled: int = 8
    response_lost: int = 8
    interleaved: int = 60
    ses: int = 150
    event_repeated: int = 300
    event_lost: int = 20
    negative_reaction: int = 60
    skew: timedelta = timedelta(minutes=5)


class SingleFault(NamedTuple):
    """One fault, at the `number`th call of a run."""

    number: int
    how: str

    def raise_at(self, number: int, before: bool, name: str) -> None:
        if number == self.number and before == (self.how in ("killed before", "throttled")):
            raise Killed(name) if self.how.startswith("killed") else ThrottledError(name)


FAULT_KINDS = ("killed before", "killed after", "throttled", "response lost")


TYPICAL = FaultRates()
NO_FAULTS = FaultRates(0, 0, 0, 0, 0, 0, 0, 0, timedelta())


class BrokenGuaranteeError(AssertionError):
    """The product broke a guarantee."""


class RandomFaults(Faults):
    """Wraps the ports and injects random faults into their calls."""

    def __init__(self, chance: Random, rates: FaultRates) -> None:
        super().__init__()
        self.chance, self.rates = chance, rates
        self.active = False
        self.depth = 0
        self.pending: list[Callable[[], object]] = []
        self.opt_outs: set[tuple[str, str]] = set()
        self.claims: Counter[MessageRef] = Counter()
        self.in_doubt: set[MessageRef] = set()
        self.now_sending: MessageRef | None = None
        self.called: list[str] = []
        self.single_fault: SingleFault | None = None
        self.injected: Counter[str] = Counter()

    def around(self, port: Any, name: str) -> Any:
        return _FaultyPort(port, name, self)

    def invoke(self, name: str, act: Callable[..., Any], args: Any, named: Any) -> Any:
        if not self.active:
            return act(*args, **named)
        self.called.append(name)
        self._inject(name, before=True)
        answer = act(*args, **named)
        self._note(name, args, answer)
        self._inject(name, before=False)
        return answer

    def _inject(self, name: str, *, before: bool) -> None:
        if self.single_fault is not None:
            self.single_fault.raise_at(len(self.called), before, name)
        chance, rates = self.chance.randrange(1000), self.rates
        if chance < rates.killed:
            self.injected[f"killed {'before' if before else 'after'} {name}"] += 1
            raise Killed(name)
        chance -= rates.killed
        is_table_call = not name.startswith(("mailer", "registry", "secrets"))
        limit = rates.throttled if before else rates.response_lost
        if is_table_call and chance < limit:
            self.injected[f"{'throttled' if before else 'response lost'} {name}"] += 1
            raise ThrottledError(name)
        if chance - limit < rates.interleaved and self.pending and self.depth < 2:
            self.depth += 1
            interrupted, self.now_sending = self.now_sending, None
            try:
                self.run_pending()
            finally:
                self.depth -= 1
                self.now_sending = interrupted

    def run_pending(self) -> None:
        """Run a random pending action, which may fail."""
        index = self.chance.randrange(len(self.pending))
        self.pending[index], self.pending[-1] = self.pending[-1], self.pending[index]
        self.pending.pop()()

    def _note(self, name: str, args: Any, answer: Any) -> None:
        """Record opt-outs and claims independently of the product's own data."""
        if name == "contacts.withdraw":
            self.opt_outs |= {(args[0], fact.topic) for fact in args[1].contact.consents}
        elif name == "contacts.suppress":
            self.opt_outs.add((args[1], "any"))
        elif name in ("ledger.claim", "ledger.claim_again") and isinstance(answer, Claimed):
            draft = args[0]
            self.claims[draft.ref] += 1
            self.now_sending = draft.ref
            if (address_hash(draft.recipient), "any") in self.opt_outs:
                raise BrokenGuaranteeError(f"{draft.step} was claimed for a suppressed address")
            if draft.category == "marketing" and (draft.ref.contact, draft.topic) in self.opt_outs:
                raise BrokenGuaranteeError(
                    f"{draft.step} was claimed after the recipient had unsubscribed"
                )


class _FaultyPort:
    def __init__(self, port: Any, name: str, storm: RandomFaults) -> None:
        self._port, self._name, self._storm = port, name, storm

    def __getattr__(self, method: str) -> Any:
        act, name, storm = getattr(self._port, method), f"{self._name}.{method}", self._storm

        def call(*args: Any, **named: Any) -> Any:
            return storm.invoke(name, act, args, named)

        self.__dict__[method] = call
        return call


class FakeSes:
    """SES: it knows what it accepted; its responses may get lost."""

    def __init__(self, world: "FaultyWorld") -> None:
        self.world = world
        self.handed: list[tuple[OutgoingEmail, Answer]] = []
        self.submitted: Counter[MessageRef] = Counter()
        self.accepted: Counter[MessageRef] = Counter()
        self.paused_for = 0

    @property
    def mails(self) -> list[OutgoingEmail]:
        return [mail for mail, _ in self.handed]

    def send(self, mail: OutgoingEmail) -> Answer:
        chance = self.world.chance
        self.submitted[mail.ref] += 1
        if self.paused_for:
            self.paused_for -= 1
            self.submitted[mail.ref] -= 1
            return SubmissionRejected("SendingPausedException", retry=True)
        outcome = chance.randrange(1000)
        if outcome >= self.world.rates.ses:
            return self._accept(mail)
        match outcome % 8:
            case 0 | 1:
                self.submitted[mail.ref] -= 1
                return SubmissionRejected("TooManyRequestsException", retry=True)
            case 2 | 3:
                self._accept(mail)
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

    def _accept(self, mail: OutgoingEmail) -> Answer:
        self.accepted[mail.ref] += 1
        self.handed.append((mail, Accepted(mail.ref.id)))
        self.world.follow(mail)
        return Accepted(mail.ref.id)


class FaultyWorld(World):
    """One run with `RECIPIENTS` recipients and a hundred send decisions."""

    def __init__(
        self,
        published: World,
        seed: int,
        rates: FaultRates = TYPICAL,
        recipients: Sequence[int] = tuple(range(RECIPIENTS)),
    ) -> None:
        self.recipients = recipients
        self.chance, self.rates, self.skew = Random(seed), rates, timedelta()
        self.storm = RandomFaults(self.chance, rates)
        super().__init__(published=published, faults=self.storm)

    def _wire(self) -> None:
        self.ses = FakeSes(self)
        self.mailer: Any = self.ses
        super()._wire()
        # So many mails bounce here that marketing would stop. The marketing stop has its own tests.
        self.feedback_recorder = replace(self.feedback_recorder, reputation=None)

    @property
    def now(self) -> Any:
        return self.clock.now + self.skew

    # --- the run ---

    def run_story(self) -> None:
        """Run everything until no action is pending."""
        for number in self.recipients:
            self._enter(number)
        for _ in range(3):
            self.enqueue(self._run_scheduler)
        self.storm.active = True
        while self.storm.pending:
            self.clock.now += timedelta(seconds=self.chance.randrange(45))
            self.storm.run_pending()
        for _ in range(8):
            self.clock.now += timedelta(minutes=30)
            self.enqueue(self._run_scheduler)
            while self.storm.pending:
                self.storm.run_pending()
        self.storm.active = False

    def enqueue(self, action: Callable[[], object], tries: int = 0) -> None:
        self.storm.pending.append(partial(self._attempt, action, tries))

    def _attempt(self, action: Callable[[], object], tries: int) -> None:
        """One invocation with a skewed clock. AWS repeats an invocation that did not finish."""
        before, self.skew = self.skew, self.rates.skew * self.chance.uniform(-1, 1)
        try:
            action()
        except (Killed, ThrottledError):
            if self.storm.now_sending is not None:
                self.storm.in_doubt.add(self.storm.now_sending)
            if tries == MAX_TRIES:
                raise BrokenGuaranteeError(
                    f"an action did not finish in {MAX_TRIES} tries"
                ) from None
            self.enqueue(action, tries + 1)
        finally:
            self.skew = before
            self.storm.now_sending = None

    def _enter(self, number: int) -> None:
        email = f"recipient-{number}@mail.example"
        contact_id, name = contact(email), "news" if number % 2 else "receipts"
        ref = EnrollmentRef(STORE, contact_id, name, 1, f"e-{number}")
        new = enrollment(ref)
        profile = Profile(
            STORE,
            contact_id,
            {"email": (email, "2026-11-02T12:00:00.000Z", "evt-1")},
            consent={"offers": Consent("granted", MONDAY_NOON, "form", "footer")},
            active_enrollments={ref.id: new.presence()},
            last_sequence=1,
        )
        assert self.contacts.apply(None, profile)
        assert self.enrollments.enroll(new)
        for _ in range(1 + (self.chance.randrange(1000) < self.rates.event_repeated)):
            self.enqueue(partial(self.runner.run, ref, STEPS[0], 0, 0))

    def _run_scheduler(self) -> None:
        timers = self.storm.around(self.timers, "timers")
        errors = ErrorCollector()
        run_due(timers, self.retrier, self.execution_starter, self.reevaluator, self.now, errors)
        errors.raise_if_any("things that are due")

    def follow(self, mail: OutgoingEmail) -> None:
        """Report the delivery events of an accepted mail, in any order and possibly repeatedly."""
        rare = self.chance.randrange(1000)
        kinds: list[Reported] = ["sent", "delivered"]
        if rare < self.rates.negative_reaction:
            kinds.append(("bounced", "complained", "opened", "clicked")[rare % 4])
            if rare % 5 == 0:
                self.enqueue(partial(self._unsubscribe, mail))
        for kind in kinds:
            self._report(mail, kind)

    def _report(self, mail: OutgoingEmail, kind: Reported) -> None:
        chance = self.chance.randrange(1000)
        if chance < self.rates.event_lost:
            return
        event = DeliveryEvent(kind, self.clock.now, mail.to, "a" if kind == "clicked" else "")
        if kind == "bounced":
            event = event._replace(detail="Bounce", permanent=chance % 3 > 0)
        record = partial(self.feedback_recorder.record, STORE, mail.ref.id, event)
        for _ in range(1 if chance > self.rates.event_repeated else 1 + chance % 3):
            self.enqueue(record)

    def _unsubscribe(self, mail: OutgoingEmail) -> None:
        claim = UnsubscribeLink(STORE, mail.ref.contact, "offers", mail.ref.id)
        self.unsubscriber.unsubscribe(claim, "topic", UnsubscribeEvidence("one-click"), self.now)

    # --- guarantees ---

    def check(self) -> None:
        """Compare the ledger with what really happened."""
        messages = self.state.messages
        due = len(self.recipients) * len(STEPS)
        if len(messages) != due:
            raise BrokenGuaranteeError(f"{due} decisions were due, {len(messages)} are known")
        for ref, message in messages.items():
            self._check_message(ref, message)
        for odd, name in enumerate(("receipts", "news")):
            decided = sum(number % 2 == odd for number in self.recipients)
            for step, counts in self.numbers(name).steps.items():
                self._check_counts(step, counts, decided)

    def _check_message(self, ref: MessageRef, message: Any) -> None:
        status, step = message["status"], message["step"]
        copies, most = self.ses.accepted[ref], 1 if message["category"] == "marketing" else 2
        if copies > most:
            raise BrokenGuaranteeError(f"{step}: {copies} copies of a {message['category']} mail")
        if self.ses.submitted[ref] > most:
            raise BrokenGuaranteeError(f"{step}: {self.ses.submitted[ref]} submissions")
        if status in ("claimed", "throttled"):
            raise BrokenGuaranteeError(f"{step}: it is never settled")
        if status == "accepted" and not copies:
            raise BrokenGuaranteeError(f"{step} counts as sent, but SES never accepted it")
        if status in ("skipped", "failed", "rejected") and copies:
            raise BrokenGuaranteeError(f"{step} counts as {status}, but SES accepted it")
        if status == "unknown" and not self.ses.submitted[ref] and ref not in self.storm.in_doubt:
            raise BrokenGuaranteeError(f"{step} is unknown without a reason for doubt")

    def _check_counts(self, step: str, counts: StepCounts, decided: int) -> None:
        total = counts.sent + counts.skipped + counts.failed + counts.unknown
        if not counts.decided == total == decided:
            raise BrokenGuaranteeError(f"{step}: {counts}")


def publish_store() -> World:
    world = World()
    world.publish(FILES)
    return world


def describe_run(world: FaultyWorld) -> str:
    """A summary of a run, to analyze one seed."""
    statuses = Counter(message["status"] for message in world.state.messages.values())
    copies = Counter(world.ses.accepted.values())
    opt_outs = len(world.storm.opt_outs)
    lines = [f"statuses {dict(statuses)}", f"copies {dict(copies)}", f"opt-outs: {opt_outs}"]
    return "\n".join(
        [*lines, *(f"{count:4} {what}" for what, count in world.storm.injected.most_common())]
    )


if __name__ == "__main__":
    world = FaultyWorld(publish_store(), int(sys.argv[1]))
    world.run_story()
    print(describe_run(world))
    world.check()
