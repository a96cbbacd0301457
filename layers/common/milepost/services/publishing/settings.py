"""A store's `settings.json`."""

from collections.abc import Iterator
from datetime import datetime

from milepost.domain.pauses import after
from milepost.domain.problems import Problem
from milepost.domain.reading import read_file
from milepost.domain.settings_file import SettingsFile
from milepost.ports import Publications, Work
from milepost.services.publishing.result import Result, refused
from milepost.services.publishing.users import programs, topics


def publish_settings(
    publications: Publications, store: str, text: str | None, now: datetime
) -> Result:
    """Apply the settings; their last version stays if the file is wrong or gone."""
    if text is None:
        return Result("kept", note="the file is gone, its last settings stay")
    settings = read_file(text, SettingsFile)
    if isinstance(settings, list):
        return refused(settings)
    if problems := list(_topics_in_use(publications, store, settings)):
        return refused(problems)
    document = settings.model_dump(mode="json", exclude_none=True, exclude={"schema_"})
    head = publications.head(store)
    pauses = after(head.pauses, settings.paused, now)
    if pauses != head.pauses and not settings.paused:
        for name in head.workflows:
            publications.set_going(Work("thaw", store, name, now))
    publications.apply_settings(store, document, pauses)
    return Result("published")


def _topics_in_use(
    publications: Publications, store: str, settings: SettingsFile
) -> Iterator[Problem]:
    """Topics that workflows still mail about cannot go: their mail would stop unseen."""
    for program in programs(publications, store, publications.head(store)):
        for topic in sorted(topics(program) - {*settings.topics}):
            reason = f'"{topic}" is used by {program.workflow}'
            yield Problem("topics", reason, "change or delete that first")
