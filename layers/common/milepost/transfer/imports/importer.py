"""Import: one call is one stretch of work; what is left then, the next call does.

Whatever can be done again is done again after a crash: the message that began a stretch comes
again as long as the stretch has not asked for the next one.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from milepost.base.errors import ThrottledError
from milepost.base.problems import Problem
from milepost.transfer.imports.apply_rows import RowApplier
from milepost.transfer.imports.import_loop import ConcurrentUpdateError, ImportLoop
from milepost.transfer.imports.progress import RUNNING_PHASES, Import, Phase
from milepost.transfer.imports.revert import ImportReverter
from milepost.transfer.imports.rows import RowParser
from milepost.transfer.imports.upload_handler import UploadHandler, restart_import
from milepost.transfer.ports import FileGoneError

if TYPE_CHECKING:
    from milepost.published.head import Published
    from milepost.transfer.imports.ports import BulkContacts
    from milepost.transfer.ports import ContinuationQueue


WRITERS = 8
"""Threads that write: they hide DynamoDB's latency and suit a small function."""

MAX_WAITS = 12
"""Tries without any progress, ever longer apart and three hours in all, before an alarm."""

_ENDS: Mapping[Phase, Phase] = {
    "checking": "checked",
    "importing": "imported",
    "undoing": "undone",
}

GRACE_PERIOD = timedelta(minutes=6)
"""Longer than a function lives: whoever has written nothing for so long writes nothing more."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Works through imports."""

    intake: UploadHandler
    walker: ImportLoop
    people: "BulkContacts"
    registry: "Published"
    requeue: "ContinuationQueue"

    def changed(self, store: str, path: str, time_left: Callable[[], bool]) -> list[Import]:
        """A file was uploaded: begin what it asks for, or go on with what it asked for before."""
        found = self.intake.asked(store, path)
        return [self._stretch(each, turn, time_left) for each, turn in found]

    def go_on(
        self, store: str, import_id: str, turn: int, time_left: Callable[[], bool]
    ) -> Import | None:
        """Do the stretch of an import that begins at this turn."""
        held = self.walker.imports.load(store, import_id)
        return self._stretch(held, turn, time_left) if held else None

    def _stretch(self, held: Import, turn: int, time_left: Callable[[], bool]) -> Import:
        state = self._claim(held, turn)
        if state is None:
            return held
        try:
            return self._phase(state, time_left)
        except ConcurrentUpdateError:
            return state
        except FileGoneError:
            reason = "was deleted for good while it was read"
            problem = Problem(state.upload.path, reason, "upload it again: that is another import")
            now = self.walker.imports.load(state.store, state.id) or state
            return self._end(now, now._replace(phase="broken", problems=(problem,)))
        except ThrottledError:
            return self._wait(state)

    def _claim(self, state: Import, turn: int) -> Import | None:
        """The import as its only one who goes on with it; None if somebody else does.

        A message may come twice, and two uploads may ask for the same import. Whoever claims the
        turn has it; a message of another turn counts only if nobody has gone on for longer than a
        function lives, for then it is the one of whoever died.
        """
        if state.phase not in RUNNING_PHASES:
            return state
        now = self.intake.wire_now()
        if state.turn != turn and state.touched and now - state.touched < GRACE_PERIOD:
            return None
        claimed = state._replace(turn=state.turn + 1, touched=now)
        return claimed if self.walker.imports.save(state, claimed) else None

    def _phase(self, state: Import, time_left: Callable[[], bool]) -> Import:
        if state.phase not in RUNNING_PHASES:
            return self._close(state)
        if state.phase == "stopping":
            return self._stop(state)
        with _writers() as pool:
            step = self._step(state, pool)
            state, ended = self.walker.walk(state, step, time_left)
        if not ended:
            self._again(state)
            return state
        return self._end(state, state._replace(phase=_ENDS[state.phase]))

    def _step(self, state: Import, pool: Executor) -> Any:
        assert state.plan is not None, "what has no plan was refused"
        settings = self.registry.head(state.store).settings
        reader = RowParser(state.plan, f"import {state.id}")
        kind = ImportReverter if state.phase == "undoing" else RowApplier
        return kind(self.people, settings, reader, pool).step

    def _stop(self, state: Import) -> Import:
        """Whoever still imports finds out at the next step that is written down, or has died."""
        since = state.since or self.intake.wire_now()
        if self.intake.wire_now() - since < GRACE_PERIOD:
            self._again(state, int(GRACE_PERIOD.total_seconds()))
            return state
        after = restart_import(state)
        after = self.walker.save(state, after)
        self._again(after)
        return after

    def _end(self, before: Import, after: Import) -> Import:
        return self._close(self.walker.save(before, after))

    def _close(self, state: Import) -> Import:
        """Tell how it ended; again, if whoever ended it died before this."""
        self.walker.tell(state)
        self.walker.uploads.settle(state.store, state.upload)
        return state

    def _wait(self, state: Import) -> Import:
        """Come back later. What was done since the last step that is written down is done again."""
        held = self.walker.imports.load(state.store, state.id) or state
        if held.waits >= MAX_WAITS:
            raise ThrottledError(f"import {held.id} has come no further in {MAX_WAITS} tries")
        after = held._replace(waits=held.waits + 1)
        try:
            after = self.walker.save(held, after)
        except ConcurrentUpdateError:
            return held
        self._again(after, min(900, 10 * 2**held.waits))
        return after

    def _again(self, state: Import, delay: int = 0) -> None:
        self.requeue.again(continuation_for(state), delay)


def continuation_for(state: Import) -> Mapping[str, Any]:
    return {"store": state.store, "import": state.id, "turn": state.turn}


@contextmanager
def _writers() -> Iterator[Executor]:
    with ThreadPoolExecutor(WRITERS) as pool:
        yield pool
