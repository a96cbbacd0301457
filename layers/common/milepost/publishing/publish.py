"""Publishes a file: checks, compiles, versions, activates and reports.

A file with a mistake changes nothing that is live. Files can arrive in any order: a refusal is
recorded, and when something new goes live, refused files are tried again. The current state of the
bucket counts, not the notification, which can be late, repeated or out of order.

Staff get the result as an alert, because they do not look into the bucket.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from milepost.base.errors import ThrottledError
from milepost.publishing.errors import PublishIncompleteError
from milepost.publishing.report import (
    PublishReport,
    PublishResult,
    as_json,
    as_markdown,
    as_message,
    headline,
    is_news,
)
from milepost.publishing.scoring import PATH as SCORING
from milepost.publishing.scoring import publish_scoring
from milepost.publishing.segments import Estimates, SegmentPublishing, publish_segment
from milepost.publishing.settings import publish_settings
from milepost.publishing.templates import marketing_users, publish_template
from milepost.publishing.workflows import WorkflowPublisher, path_of_tests

if TYPE_CHECKING:
    from milepost.outbound.ports import Alerts
    from milepost.publishing.ports import PublishedWriter
    from milepost.stores.files import StoreFiles


LAYOUT = "_layout"
_ROUNDS = 5
_ORDER = ("settings.json", "templates", "segments", SCORING, "workflows")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes a store's files."""

    files: "StoreFiles"
    publications: "PublishedWriter"
    workflows: WorkflowPublisher
    now: Callable[[], datetime]
    estimate: Estimates = lambda _, __: None
    sender_domain: str | None = None

    def publish(self, store: str, paths: Sequence[str]) -> list[PublishReport]:
        """Publish everything that these paths concern and return the reports, newest last.

        Raises PublishIncompleteError. Settings go first and workflows last, so that files that are
        uploaded together find each other.
        """
        units = dict.fromkeys(unit for path in paths for unit in self._units(store, path))
        unfinished: list[str] = []
        reports = list(self._each(store, units, unfinished))
        if any(report.outcome in {"published", "archived"} for report in reports):
            done = {report.file for report in reports if report.outcome != "refused"}
            refused = [unit for unit in self.publications.all_refused(store) if unit not in done]
            reports += self._each(store, refused, unfinished)
        if unfinished:
            raise PublishIncompleteError(unfinished, reports)
        return reports

    def _each(
        self, store: str, units: Iterable[str], unfinished: list[str]
    ) -> Iterator[PublishReport]:
        """Publish one unit after the other. A unit that cannot be finished now blocks no other."""
        for unit in sorted(units, key=_order):
            try:
                yield self._publish(store, unit)
            except ThrottledError as throttled:
                unfinished.append(str(throttled))

    def _units(self, store: str, path: str) -> list[str]:
        """The units of a changed file: itself, its template's folder, or all templates."""
        parts = PurePosixPath(path).parts
        if path in {"settings.json", SCORING}:
            return [path]
        if parts[:1] in {("workflows",), ("segments",)}:
            return [path] if path.endswith(".json") and len(parts) == 2 else []
        if parts[:1] == ("tests",):
            name = parts[-1].removesuffix(".test.json")
            return [f"workflows/{name}.json"] if path == path_of_tests(name) else []
        if parts[:1] != ("templates",) or len(parts) < 3:
            return []
        if parts[1] != LAYOUT:
            return [str(PurePosixPath(path).parent)]
        files = [PurePosixPath(p).parts for p in self.files.paths(store, "templates")]
        return sorted({"/".join(p[:-1]) for p in files if len(p) > 2 and p[1] != LAYOUT})

    def _publish(self, store: str, unit: str) -> PublishReport:
        """Publish until the result matches the bucket and the published state."""
        for _ in range(_ROUNDS):
            before = self._inputs(store, unit)
            result = self._once(store, unit)
            self.publications.record_refusal(store, unit, result.outcome == "refused")
            if self._inputs(store, unit) == before:
                return self._write(store, PublishReport(unit, at=self.now(), **result._asdict()))
        raise ThrottledError(f"{unit} kept changing while it was published")

    def _inputs(self, store: str, unit: str) -> object:
        """Everything that a result depends on. If it has not changed, the result is valid."""
        head = self.publications.head(store)
        if unit.startswith("templates/"):
            layout = self.files.folder(store, f"templates/{LAYOUT}")
            users = marketing_users(self.publications, store, unit.removeprefix("templates/"))
            return (self.files.folder(store, unit), layout, head.settings, users)
        if unit == "settings.json":
            return (self.files.read(store, unit), head.settings)
        if unit == SCORING or unit.startswith("segments/"):
            name = PurePosixPath(unit).stem
            others = {n: s for n, s in head.segments.live().items() if n != name}
            used = [(name, live.version, live.status) for name, live in head.workflows.items()]
            return (self.files.read(store, unit), head.settings, others, sorted(used))
        tests = self.files.read(store, path_of_tests(PurePosixPath(unit).stem))
        templates = sorted(head.templates.items())
        segments = sorted(head.segments.live())
        return (self.files.read(store, unit), tests, templates, segments, head.settings)

    def _once(self, store: str, unit: str) -> PublishResult:
        if unit == "settings.json":
            text = self.files.read(store, unit)
            return publish_settings(
                self.publications, self.files, store, text, self.now(), self.sender_domain
            )
        if unit.startswith("templates/"):
            layout = self.files.folder(store, f"templates/{LAYOUT}")
            files, name = self.files.folder(store, unit), unit.removeprefix("templates/")
            return publish_template(self.publications, store, name, files, layout)
        if unit == SCORING:
            return publish_scoring(self.files, self.publications, store, self.now())
        name = PurePosixPath(unit).stem
        if unit.startswith("segments/"):
            needs = SegmentPublishing(self.files, self.publications, self.estimate)
            return publish_segment(needs, store, name, self.now())
        return self.workflows.publish(store, name, self.now())

    def _write(self, store: str, report: PublishReport) -> PublishReport:
        base = "reports/" + report.file.removesuffix(".json").replace("/", ".")
        before = self.files.read(store, f"{base}.report.json")
        self.files.write(store, f"{base}.report.json", as_json(report))
        self.files.write(store, f"{base}.report.md", as_markdown(report))
        return report._replace(news=is_news(report, before))


def _order(unit: str) -> tuple[int, str]:
    return (_ORDER.index(unit.partition("/")[0]), unit)


def notify_staff(alerts: "Alerts", store: str, reports: Iterable[PublishReport]) -> bool:
    """Send the news in one alert and return whether there was any. Raises ThrottledError."""
    news = [report for report in reports if report.news]
    if news:
        alerts.send_alert(headline(store, news), as_message(news), store)
    return bool(news)
