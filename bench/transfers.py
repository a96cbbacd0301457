"""Imports and exports of a million: how much memory they take, and rows per CPU second.

The services are real; the ports are empty and store nothing, so only the function's own work is
measured. Each size runs in a fresh process, because the peak memory of a process never shrinks.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from bench import REPOSITORY
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.simulator.memory.published import MemoryPublished, MemoryStore
from milepost.transfer.exports.exporter import StoreExporter
from milepost.transfer.exports.ports import Page
from milepost.transfer.imports.import_loop import ImportLoop
from milepost.transfer.imports.importer import Importer
from milepost.transfer.imports.ports import Identifier, ImportedContact
from milepost.transfer.imports.upload_handler import UploadHandler
from milepost.transfer.ports import FileVersion
from tests.fakes.transfers import MemoryContinuationQueue, MemoryExports, MemoryImports

MEASURED = {
    "import": (300_000, 1_000_000),
    "dry run": (300_000, 1_000_000),
    "export": (1_000_000, 3_000_000),
}
"""Rows and items, all above the sizes of caches and batches: memory must be the same."""

STORE = "bench"
HOW: Mapping[str, Any] = {
    "rows_per_second": 5000,
    "columns": {
        "mail": "email",
        "name": "first_name",
        "born": {"field": "properties.born", "type": "date"},
        "city": "properties.city",
    },
}


def measure_transfers() -> dict[str, dict[str, float]]:
    """Peak memory in MB for each size, and rows or items per CPU second of the largest."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for what, sizes in MEASURED.items():
            runs = [_run(what, size, Path(folder)) for size in sizes]
            measured[what] = {
                **{f"mb_at_{size}": run["mb"] for size, run in zip(sizes, runs, strict=True)},
                "growth": round(runs[-1]["mb"] / runs[0]["mb"], 3),
                "per_cpu_second": runs[-1]["per_cpu_second"],
            }
    return measured


def _run(what: str, size: int, folder: Path) -> dict[str, float]:
    file = folder / f"{size}.csv"
    if what != "export" and not file.exists():
        with file.open("w", encoding="utf-8") as opened:
            opened.write("mail,name,born,city\n")
            for n in range(size):
                opened.write(f"reader{n}@mail.example,Reader {n},1990-01-{n % 28 + 1:02d},Oslo\n")
    done = subprocess.run(
        [sys.executable, "-m", "bench.transfers", what, str(size), str(file)],
        check=True,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- in the measured process ---


class Nobody:
    """A store without contacts; writes are dropped."""

    def owners(self, store: str, identifiers: Collection[Identifier]) -> dict[Identifier, str]:
        return {}

    def profiles(self, store: str, contacts: Collection[str]) -> dict[str, Profile]:
        return {}

    def keep(self, contact: str, event: Event) -> Event | None:
        return None

    def link(self, store: str, contact: str, identifiers: Iterable[Identifier]) -> None: ...

    def unlink(self, store: str, contact: str, identifiers: Iterable[Identifier]) -> None: ...

    def life(self, store: str, contact: str) -> ImportedContact:
        return ImportedContact(store, contact, None, ())

    def forget(self, life: ImportedContact) -> bool:
        return False


class Disk:
    """One file of contacts and its settings; writes are dropped."""

    def __init__(self, file: Path, settings: Mapping[str, Any]) -> None:
        self._file, self._settings = file, json.dumps(settings).encode()

    def find(self, store: str, path: str) -> FileVersion | None:
        if path.endswith(".json"):
            return FileVersion(path, "1", len(self._settings))
        return FileVersion(path, "1", self._file.stat().st_size) if path.endswith(".csv") else None

    def read(self, store: str, upload: FileVersion, start: int = 0) -> Iterator[bytes]:
        if upload.path.endswith(".json"):
            yield self._settings if "import" in upload.path else b""
            return
        with self._file.open("rb") as opened:
            opened.seek(start)
            while piece := opened.read(64 * 1024):
                yield piece

    def settle(self, store: str, upload: FileVersion) -> None: ...

    def put(self, store: str, path: str, lines: Iterable[str]) -> None: ...


class Nowhere:
    """Report files that are dropped."""

    def read(self, store: str, path: str) -> str | None:
        return None

    def write(self, store: str, path: str, text: str) -> None: ...


class Many:
    """A store with so many contacts, a thousand a page."""

    def __init__(self, size: int) -> None:
        self._size = size

    def page(self, store: str, after: str) -> Page:
        first = int(after or 0)
        lines: list[tuple[Literal["contacts"], Mapping[str, Any]]] = [
            ("contacts", {"contact": f"c{n:025d}", "email": f"reader{n}@mail.example"})
            for n in range(first, first + 1000)
        ]
        last = first + 1000
        return Page(lines, 1000, str(last) if last < self._size else "")


def _now() -> datetime:
    return datetime.now(UTC)


def _import(file: Path, dry_run: bool) -> int:
    disk, imports = Disk(file, {**HOW, "dry_run": dry_run}), MemoryImports()
    walker = ImportLoop(disk, imports, Nowhere(), _now, _now, time.monotonic, lambda _: None)
    registry = MemoryPublished(MemoryStore())
    intake = UploadHandler(disk, imports, _now, _now)
    importer = Importer(intake, walker, Nobody(), registry, MemoryContinuationQueue())
    (done,) = importer.changed(STORE, "imports/people.csv", lambda: True)
    assert done.phase == ("checked" if dry_run else "imported"), done
    return done.counts.created


def _export(size: int, file: Path) -> int:
    disk, queue = Disk(file, {}), MemoryContinuationQueue()
    exporter = StoreExporter(
        Many(size), MemoryExports(), disk, disk, Nowhere(), queue, _now, _now, time.monotonic
    )
    done = exporter.changed(STORE, "exports/all.export.json", lambda: True)
    assert done is not None
    assert done.done
    return done.read


def main(what: str, size: int, file: Path) -> None:
    began = time.process_time()
    done = _export(size, file) if what == "export" else _import(file, what == "dry run")
    took = time.process_time() - began
    assert done == size, done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"mb": round(peak, 1), "per_cpu_second": round(size / took)}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    else:
        print(json.dumps(measure_transfers(), indent=2))
