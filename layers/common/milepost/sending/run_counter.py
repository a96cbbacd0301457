"""Count a workflow page by page: its decisions, and their results in the ledger.

The result does not depend on when a page is read. Ledger entries and finished block runs are never
removed. So if an enrollment is read first and the ledger afterwards, the ledger has all the
messages of its finished block runs, even if the enrollment was read from an old copy.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base import times
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.enrollments.program import Program, visit_in, visit_of
from milepost.sending.decided_visits import decided_visits
from milepost.sending.message import message_id

if TYPE_CHECKING:
    from milepost.published.head import Published
    from milepost.sending.counts import Tally
    from milepost.sending.ports import RunEntry, Runs


PAGE = 500
"""The entries of one page: about five requests, and half a second of a small function."""

OnMissing = Callable[[EnrollmentRef, str], None]
"""Called with an enrollment and its step without a decision in the ledger."""


def _ignore(_: EnrollmentRef, __: str) -> None:
    """The default for callers that need only the numbers."""


@dataclass(frozen=True, slots=True)
class RunCounter:
    """Counts the enrollments and messages of workflows."""

    runs: "Runs"
    registry: "Published"
    most: int = PAGE

    def count_page(
        self,
        store: str,
        workflow: str,
        after: str,
        tally: "Tally",
        since: datetime | None = None,
        on_missing: OnMissing = _ignore,
    ) -> str:
        """Count the entries after the cursor `after` into `tally`. Return the next cursor, empty at
        the end.

        Enrollments and block runs that ended before `since` are not compared with the ledger again.
        """
        entries, next_ = self.runs.page(store, workflow, after, self.most)
        changed = []
        for entry in entries:
            tally.add(entry.values)
            if entry.kind == "MESSAGE":
                step = entry.values["step"]
                if not self._is_own(entry, EnrollmentRef.of_message(entry.message, entry.values)):
                    tally.add_extra(step)
            elif (
                since is None or times.parse_instant(entry.values.get("ended_at", _NEVER)) >= since
            ):
                changed.append(entry.enrollment)
        for ref, step in self._missing(changed, since):
            tally.add_missing(step)
            on_missing(ref, step)
        return next_

    def _is_own(self, entry: "RunEntry", enrollment: EnrollmentRef) -> bool:
        """Whether a message's id matches its enrollment, step and visit, which makes it unique."""
        step, turn = entry.values["step"], int(entry.values["block_seq"])
        program = self._program(enrollment)
        node = program.nodes.get(step) if program else None
        visits = {visit_of(node, turn)} if node else {1, visit_in(turn)}
        return entry.message.id in {message_id(enrollment, step, visit) for visit in visits}

    def _missing(
        self, refs: "list[EnrollmentRef]", since: datetime | None
    ) -> Iterator[tuple[EnrollmentRef, str]]:
        """The finished visits of these enrollments without an entry in the ledger."""
        decided: dict[MessageRef, tuple[EnrollmentRef, str]] = {}
        for enrollment in self.runs.enrollments(refs) if refs else ():
            ref, program = enrollment.ref, self._program(enrollment.ref)
            for step, visit in decided_visits(program, enrollment, since) if program else ():
                id_ = message_id(ref, step, visit)
                decided[MessageRef(ref.store, ref.contact, id_)] = ref, step
        missing = decided.keys() - self._in_ledger(decided, exact=False)
        missing -= self._in_ledger({ref: decided[ref] for ref in missing}, exact=True)
        for message in sorted(missing):
            ref, step = decided[message]
            if not self.runs.was_erased(ref):
                yield ref, step

    def _in_ledger(
        self, decided: Mapping[MessageRef, tuple[EnrollmentRef, str]], exact: bool
    ) -> set[MessageRef]:
        steps = {message: (ref.workflow, step) for message, (ref, step) in decided.items()}
        return self.runs.decided(steps, exact) if steps else set()

    def _program(self, ref: EnrollmentRef) -> Program | None:
        """The program of an enrollment; None if its version is no longer stored."""
        try:
            return self.registry.program(ref.store, ref.workflow, ref.version)
        except LookupError:
            return None


_NEVER = "9999-01-01T00:00:00Z"
"""Stands for the end of an active enrollment, which may have changed at any time."""
