"""Runs imports over several invocations: each continues where the last one stopped.

After a crash the work since the last save is repeated: SQS delivers the message again until the
invocation has queued the next one.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
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
"""Writer threads: they hide DynamoDB's latency and suit a small function."""

MAX_WAITS = 12
"""Tries without progress, with growing delays, three hours in all, before an alarm."""

_ENDS: Mapping[Phase, Phase] = {
    "checking": "checked",
    "importing": "imported",
    "undoing": "undone",
}

GRACE_PERIOD = timedelta(minutes=6)
"""Longer than a Lambda timeout: an invocation without progress for so long has ended."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Runs imports."""

    intake: UploadHandler
    walker: ImportLoop
    people: "BulkContacts"
    registry: "Published"
    requeue: "ContinuationQueue"

    def changed(self, store: str, path: str, time_left: Callable[[], bool]) -> list[Import]:
        """Begin or continue the imports of an uploaded file."""
        found = self.intake.asked(store, path)
        return [self._run(each, call_no, time_left) for each, call_no in found]

    def go_on(
        self, store: str, import_id: str, call_no: int, time_left: Callable[[], bool]
    ) -> Import | None:
        """Continue an import at this `call_no`."""
        stored = self.walker.imports.load(store, import_id)
        return self._run(stored, call_no, time_left) if stored else None

    def _run(self, stored: Import, call_no: int, time_left: Callable[[], bool]) -> Import:
        state = self._claim(stored, call_no)
        if state is None:
            return stored
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

    def _claim(self, state: Import, call_no: int) -> Import | None:
        """The import, claimed for this invocation; None if another invocation has it.

        A message can arrive twice, and two uploads can request the same import. The first claim of
        a `call_no` wins. A message with another `call_no` wins only after the grace period: the
        invocation before it has crashed.
        """
        if state.phase not in RUNNING_PHASES:
            return state
        now = self.intake.wire_now()
        if state.call_no != call_no and state.touched and now - state.touched < GRACE_PERIOD:
            return None
        claimed = state._replace(call_no=state.call_no + 1, touched=now)
        return claimed if self.walker.imports.save(state, claimed) else None

    def _phase(self, state: Import, time_left: Callable[[], bool]) -> Import:
        if state.phase not in RUNNING_PHASES:
            return self._close(state)
        if state.phase == "stopping":
            return self._stop(state)
        with ThreadPoolExecutor(WRITERS) as pool:
            step = self._step(state, pool)
            state, ended = self.walker.walk(state, step, time_left)
        if not ended:
            self._again(state)
            return state
        return self._end(state, state._replace(phase=_ENDS[state.phase]))

    def _step(self, state: Import, pool: Executor) -> Any:
        assert state.plan is not None, "an import without a plan was rejected"
        settings = self.registry.head(state.store).settings
        reader = RowParser(state.plan, f"import {state.id}")
        kind = ImportReverter if state.phase == "undoing" else RowApplier
        return kind(self.people, settings, reader, pool).step

    def _stop(self, state: Import) -> Import:
        """Wait until a running invocation has failed to save or has timed out, then revert."""
        since = state.since or self.intake.wire_now()
        if self.intake.wire_now() - since < GRACE_PERIOD:
            self._again(state, int(GRACE_PERIOD.total_seconds()))
            return state
        after = self.walker.save(state, restart_import(state))
        self._again(after)
        return after

    def _end(self, before: Import, after: Import) -> Import:
        return self._close(self.walker.save(before, after))

    def _close(self, state: Import) -> Import:
        """Write the last report. Repeated if the invocation that finished crashed before this."""
        self.walker.tell(state)
        self.walker.uploads.settle(state.store, state.upload)
        return state

    def _wait(self, state: Import) -> Import:
        """Try again later. The work since the last save is repeated."""
        before = self.walker.imports.load(state.store, state.id) or state
        if before.waits >= MAX_WAITS:
            raise ThrottledError(f"import {before.id} has come no further in {MAX_WAITS} tries")
        try:
            after = self.walker.save(before, before._replace(waits=before.waits + 1))
        except ConcurrentUpdateError:
            return before
        self._again(after, min(900, 10 * 2**before.waits))
        return after

    def _again(self, state: Import, delay: int = 0) -> None:
        self.requeue.again(continuation_for(state), delay)


def continuation_for(state: Import) -> Mapping[str, Any]:
    return {"store": state.store, "import": state.id, "call_no": state.call_no}
