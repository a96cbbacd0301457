"""What a store does with a running local stack: upload files, send an event, read its e-mail.

`python -m local up` writes the stack's addresses to a file; the other commands read it.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import httpx
from botocore.exceptions import ClientError

from local import aws
from local.errors import LocalError
from local.stack.upload import store_paths

RUN_FOLDER = aws.REPOSITORY / ".milepost" / "local"
STATE_FILE = "stack.json"
TIMEOUT = 30.0

MAX_WAIT = 60.0
"""Seconds to wait for a publish report or an e-mail."""
PAUSE = 0.2
SETTLE_TIME = 2.0
"""A refused file is published again when a file that it needs goes live: seconds to wait for that.
"""


class FileReport(NamedTuple):
    """The result of publishing one file, from its report in the bucket."""

    file: str
    outcome: str
    version: str
    problems: tuple[Mapping[str, Any], ...]

    def lines(self) -> Iterator[str]:
        version = f", version {self.version}" if self.version.isdecimal() else ""
        # A folder of several files is published with each of them; the last publish finds it live.
        is_live = self.outcome in {"published", "unchanged"}
        yield f"{self.file}: {'live' if is_live else self.outcome}{version}"
        for problem in self.problems:
            remedy = f" ({problem['remedy']})" if problem.get("remedy") else ""
            path = problem.get("location") or ""
            yield f"  {path}: {problem['reason']}{remedy}"


@dataclass(frozen=True, slots=True)
class RunningStack:
    """The local stack of a run folder, as another process sees it."""

    emulator_url: str
    api_url: str
    inbox_url: str
    bucket: str
    bearer_keys: Mapping[str, str]

    @classmethod
    def find(cls, run_folder: Path) -> "RunningStack":
        """Find the running stack. Raises LocalError if there is none."""
        try:
            return cls(**json.loads((run_folder / STATE_FILE).read_text("utf-8")))
        except FileNotFoundError:
            raise LocalError(
                "No local stack is running. Start one: `python -m local up --store NAME`."
            ) from None

    def save(self, run_folder: Path) -> None:
        """Write the stack's addresses to a file that only this machine's user can read: it contains
        keys."""
        file = run_folder / STATE_FILE
        file.touch(mode=0o600)
        file.write_text(json.dumps({name: getattr(self, name) for name in self.__slots__}), "utf-8")

    def publish(self, store: str, folder: Path) -> list[FileReport]:
        """Upload a store's files and wait for the report of each; settings first, workflows last.

        Raises LocalError if a report does not arrive.
        """
        if not folder.is_dir():
            raise LocalError(f"There is no folder {folder}.")
        files = [(str(path), file) for path, file in store_paths(folder)]
        units = published_units(path for path, _ in files)
        clients = aws.Clients(self.emulator_url)
        try:
            before = {unit: self._report(clients, store, unit) for unit in units}
            for path, file in files:
                clients.s3.put_object(
                    Bucket=self.bucket, Key=f"{store}/{path}", Body=file.read_bytes()
                )
            return [_parse(each) for each in self._new_reports(clients, store, before)]
        finally:
            clients.close()

    def report_event(self, store: str, event: object) -> str:
        """Post an event to the API and return its answer. Raises LocalError if it is refused."""
        key = self.bearer_keys.get(store)
        if key is None:
            raise LocalError(f"The stack has no store {store!r}. Start it with `--store {store}`.")
        answer = httpx.post(
            f"{self.api_url}/v1/{store}/events",
            json=event,
            headers={"authorization": f"Bearer {key}"},
            timeout=TIMEOUT,
        )
        if answer.is_error:
            raise LocalError(f"{answer.status_code}: {answer.text}")
        return f"{answer.status_code} {answer.json()['status']}"

    def wait_for_emails(self, address: str, count: int) -> list[str]:
        """Wait for so many e-mails to an address and return their subjects, oldest first.

        Raises LocalError if they do not arrive.
        """
        deadline = time.monotonic() + MAX_WAIT
        while True:
            found = httpx.get(
                f"{self.inbox_url}/api/messages", params={"to": address}, timeout=TIMEOUT
            ).json()["messages"]
            if len(found) >= count:
                return [str(mail["subject"]) for mail in reversed(found)]
            if time.monotonic() > deadline:
                raise LocalError(
                    f"{address} has {len(found)} of {count} e-mails after {MAX_WAIT:.0f} seconds."
                )
            time.sleep(PAUSE)

    def _new_reports(
        self, clients: aws.Clients, store: str, before: Mapping[str, str]
    ) -> Iterable[str]:
        """The new reports of all units, once every unit has one and none will be published
        again."""
        deadline = time.monotonic() + MAX_WAIT
        reports: dict[str, str] = {}
        changed = time.monotonic()
        while True:
            now = {unit: self._report(clients, store, unit) for unit in before}
            if now != reports:
                reports, changed = now, time.monotonic()
            missing = [unit for unit, report in reports.items() if report == before[unit]]
            is_refused = any('"outcome": "refused"' in report for report in reports.values())
            if not missing and (not is_refused or time.monotonic() - changed > SETTLE_TIME):
                return reports.values()
            if time.monotonic() > deadline:
                raise LocalError(f"No report on {', '.join(missing)}, which publishing writes.")
            time.sleep(PAUSE)

    def _report(self, clients: aws.Clients, store: str, unit: str) -> str:
        name = unit.removesuffix(".json").replace("/", ".")
        try:
            found = clients.s3.get_object(
                Bucket=self.bucket, Key=f"{store}/reports/{name}.report.json"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return ""
            raise
        return found["Body"].read().decode("utf-8")


def published_units(paths: Iterable[str]) -> list[str]:
    """The files and template folders that get a publish report, in the order of publishing."""
    units: dict[str, None] = {}
    for path in paths:
        parts = PurePosixPath(path).parts
        match parts:
            case ["templates", "_layout", *_] | ["templates", _]:
                continue
            case ["templates", *folder, _]:
                units["/".join(["templates", *folder])] = None
            case ["settings.json" | "scoring.json"] | ["segments" | "workflows", _]:
                units[path] = None
    return list(units)


def _parse(text: str) -> FileReport:
    found = json.loads(text)
    return FileReport(
        found["file"], found["outcome"], found.get("version") or "", tuple(found["problems"])
    )
