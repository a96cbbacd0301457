"""Runs enrollments block by block, as their state machines would, and knows nothing of steps.

What a block does and where it comes to rest is the runner's answer; where a wait leads is written
in the program. `tests/journeys/test_simulation.py` holds this against the compiled machines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from milepost.base.durations import parse_duration
from milepost.base.refs import EnrollmentRef
from milepost.enrollments.ports import Enrollments
from milepost.enrollments.program import END
from milepost.published.head import Registry
from milepost.runtime.run_block import Runner, Stop
from milepost.runtime.waits import park
from milepost.simulator.virtual_clock import Agenda

AT_ONCE = timedelta(0)


class Onlooker(Protocol):
    """Is told what the engine does."""

    def runs(self) -> None:
        """A block is about to be run."""

    def ran(self, ref: EnrollmentRef, turn: int, stop: Stop) -> None:
        """The block has come to rest."""

    def timed_out(self, ref: EnrollmentRef, step: str) -> None:
        """What a step waits for has not happened in time."""


@dataclass(slots=True)
class _Run:
    """One leg of an enrollment.

    `moment` grows with everything decided: what was due before is void then. `turn` counts the
    blocks, `leg` is the one that it is.
    """

    ref: EnrollmentRef
    moment: int = 0
    turn: int = 0
    leg: int = 0


class BlockEngine:
    """Implements `Engine`."""

    def __init__(
        self,
        agenda: Agenda,
        registry: Registry,
        enrollments: Enrollments,
        runner: Runner,
        onlooker: Onlooker,
    ) -> None:
        self._agenda, self._registry = agenda, registry
        self._enrollments, self._runner, self._onlooker = enrollments, runner, onlooker
        self._runs: dict[tuple[str, int], _Run] = {}
        self._tokens: dict[str, tuple[_Run, int, str]] = {}

    def start(
        self, machine: str, ref: EnrollmentRef, leg: int = 0, turn: int = 0, block: str = ""
    ) -> None:
        if (ref.id, leg) not in self._runs:
            run = self._runs[ref.id, leg] = _Run(ref, turn=turn, leg=leg)
            program = self._registry.program(ref.store, ref.workflow, ref.version)
            entry = block or program.entry
            self._later(run, AT_ONCE, lambda: self._run(run, entry))

    def stop(self, ref: EnrollmentRef, reason: str, leg: int = 0) -> None:
        if (ref.id, leg) in self._runs:
            self._runs[ref.id, leg].moment += 1

    def answer(self, token: str) -> None:
        run, moment, following = self._tokens.pop(token, (None, 0, ""))
        if run is not None and run.moment == moment:
            run.moment += 1
            self._later(run, AT_ONCE, lambda: self._run(run, following))

    def _run(self, run: _Run, entry: str) -> None:
        run.moment += 1
        ref = run.ref
        self._onlooker.runs()
        try:
            stop = self._runner.run(ref, entry, run.turn, run.leg)
        except Exception as error:  # a machine would try again for half a day, and then give up
            self._runner.give_up(ref, f"{type(error).__name__}: {error}", run.leg)
            stop = Stop(END, self._agenda.now, self._agenda.now)
        self._onlooker.ran(ref, run.turn, stop)
        run.turn += 1
        loaded = self._enrollments.load(ref)
        if loaded is None or loaded[1].status != "active":
            return  # an enrollment that is over has nothing left to do; only a machine has to end
        leg, start = loaded[1].leg, loaded[1].start
        if start is not None and leg > run.leg:
            later = self._runs[ref.id, leg] = _Run(ref, turn=start.turn, leg=leg)
            self._later(later, start.due - self._agenda.now, lambda: self._run(later, start.block))
        if stop.next == END:
            return
        node = self._registry.program(ref.store, ref.workflow, ref.version).nodes[stop.next]
        if "timeout" in node:
            self._await(run, stop)
        else:
            rest = stop.until - self._agenda.now
            self._later(run, rest, lambda: self._run(run, str(node["next"])))

    def _await(self, run: _Run, stop: Stop) -> None:
        """Rest until the event or the time-out, whichever comes first."""
        ref, step = run.ref, stop.next
        node = self._registry.program(ref.store, ref.workflow, ref.version).nodes[step]
        token = f"{ref.id}-{run.leg}-{run.moment}"
        self._tokens[token] = (run, run.moment, node["on_event"])

        def give_up() -> None:
            self._onlooker.timed_out(ref, step)
            self._run(run, node["on_timeout"])

        self._later(run, parse_duration(node["timeout"]), give_up)
        park(
            self._enrollments, self._registry, self, ref, step, token, stop.since, run.turn, run.leg
        )

    def _later(self, run: _Run, delay: timedelta, action: Callable[[], None]) -> None:
        moment = run.moment

        def act() -> None:
            if run.moment == moment:
                action()

        self._agenda.after(delay, act)
