"""Counts a workflow page by page: what was decided, and what the ledger says became of it.

Nothing here depends on the instant at which a page is read. An entry of the ledger is never taken
back, and neither is what an enrollment has behind it: so an enrollment that is read first, however
old the reading is, has all its messages in the ledger that is read afterwards.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base import instants
from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.enrollments.program import Program, visit_in, visit_of
from milepost.sending.decided_visits import decided_visits
from milepost.sending.message import message_id

if TYPE_CHECKING:
    from milepost.published.head import Published
    from milepost.sending.counts import Tally
    from milepost.sending.ports import RunEntry, Runs


PAGE = 500
"""Entries that are read at once: some five requests, and half a second of a small function."""

OnMissing = Callable[[EnrollmentRef, str], None]
"""Is told of an enrollment and the step of it whose decision is missing."""


def _ignore(_: EnrollmentRef, __: str) -> None:
    """Nobody asks which ones."""


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
        """Count the entries after a place into `tally`; the next place, empty at the end.

        Enrollments that ended before `since`, and blocks of others that did, are not compared with
        the ledger once more.
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
                since is None
                or instants.parse_instant(entry.values.get("ended_at", _NEVER)) >= since
            ):
                changed.append(entry.enrollment)
        for ref, step in self._missing(changed, since):
            tally.add_missing(step)
            on_missing(ref, step)
        return next_

    def _is_own(self, entry: "RunEntry", enrollment: EnrollmentRef) -> bool:
        """Whether a message has the id of its enrollment, step and visit. No two have the same."""
        step, turn = entry.values["step"], int(entry.values["block_seq"])
        program = self._program(enrollment)
        node = program.nodes.get(step) if program else None
        visits = {visit_of(node, turn)} if node else {1, visit_in(turn)}
        return entry.message.id in {message_id(enrollment, step, visit) for visit in visits}

    def _missing(
        self, refs: "list[EnrollmentRef]", since: datetime | None
    ) -> Iterator[tuple[EnrollmentRef, str]]:
        """The decisions that these enrollments have behind them and the ledger does not know."""
        wanted: dict[MessageRef, tuple[EnrollmentRef, str]] = {}
        for enrollment in self.runs.enrollments(refs) if refs else ():
            ref, program = enrollment.ref, self._program(enrollment.ref)
            for step, visit in decided_visits(program, enrollment, since) if program else ():
                id_ = message_id(ref, step, visit)
                wanted[MessageRef(ref.store, ref.contact, id_)] = ref, step
        missing = wanted.keys() - self._held(wanted, exact=False)
        missing -= self._held({ref: wanted[ref] for ref in missing}, exact=True)
        for message in sorted(missing):
            ref, step = wanted[message]
            if not self.runs.was_erased(ref):
                yield ref, step

    def _held(
        self, wanted: Mapping[MessageRef, tuple[EnrollmentRef, str]], exact: bool
    ) -> set[MessageRef]:
        steps = {message: (ref.workflow, step) for message, (ref, step) in wanted.items()}
        return self.runs.decided(steps, exact) if steps else set()

    def _program(self, ref: EnrollmentRef) -> Program | None:
        """A version that is not kept any more tells nothing."""
        try:
            return self.registry.program(ref.store, ref.workflow, ref.version)
        except LookupError:
            return None


_NEVER = "9999-01-01T00:00:00Z"
"""An enrollment that has not ended may have moved."""
