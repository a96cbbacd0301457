"""A local template, compiled with its store, and the data to render it with."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem, did_you_mean
from milepost.publishing.settings_file import SettingsFile
from milepost.simulator.file import CaseContact
from milepost.stores.settings import StoreSettings
from milepost.templates.compile import compile_template
from milepost.templates.source import LAYOUT
from milepost.templates.version import TemplateVersion
from milepost_tools.cli.fallback_settings import fallback_settings
from milepost_tools.cli.inputs import read_object, with_values
from milepost_tools.cli.local_store import Store, open_store
from milepost_tools.cli.output import FileProblem, exit_with_problems, fail
from milepost_tools.preview.sample_data import PERSON, specimen, specimen_event

_FOLDER = "templates/"


class TemplateDraft(NamedTuple):
    """A template without errors, and its store."""

    name: str
    version: TemplateVersion
    settings: StoreSettings


def open_template(given: str, store: Path) -> TemplateDraft:
    """Open the template in a folder, or by its name in `store`; end the command if it has
    errors."""
    local_store = open_store(Path(given) if Path(given).exists() else store)
    name = _name(given, local_store)
    settings = _settings(local_store)
    compiled = compile_template(
        name,
        _files(local_store, name),
        _files(local_store, LAYOUT),
        settings.default_locale,
        settings.locales,
    )
    if isinstance(compiled, TemplateVersion):
        return TemplateDraft(name, compiled, settings)
    exit_with_problems([_file_problem(local_store, problem) for problem in compiled])


def context_of(
    draft: TemplateDraft, contact: Path | None, event: Path | None, values: Sequence[str]
) -> dict[str, Any]:
    """The render context of the template; ends the command if an input file is invalid."""
    person = dict(PERSON) if contact is None else read_object(contact, "a contact")
    read = _person(person)
    if isinstance(read, list):
        exit_with_problems([FileProblem(str(contact), problem) for problem in read])
    fields = read.model_dump(exclude_none=True, exclude={"consents_to", "lists"})
    if read.lists:
        fields["lists"] = dict.fromkeys(read.lists, True)
    data = specimen_event(draft.settings)
    if event is not None:
        data = read_object(event, "the data of an event")
    return specimen(fields, with_values(data, values), draft.settings, datetime.now(UTC))


def _person(document: dict[str, Any]) -> CaseContact | list[Problem]:
    try:
        return parse_file(json.dumps(document), CaseContact)
    except (RecursionError, ValueError):
        return [Problem("file", "is nested too deeply to be read")]


def _name(given: str, local_store: Store) -> str:
    """The template's name below `templates/`."""
    names = sorted(
        path.removeprefix(_FOLDER).removesuffix("/subject.txt")
        for path in local_store.files
        if path.startswith(_FOLDER) and path.endswith("/subject.txt")
    )
    path = local_store.path_of(Path(given)) if Path(given).exists() else f"{_FOLDER}{given}"
    path_or_name = path.removeprefix(_FOLDER)
    for name in names:
        if path.startswith(_FOLDER) and (
            path_or_name == name or path_or_name.startswith(f"{name}/")
        ):
            return name
    remedy = did_you_mean(path_or_name, names) or f"there are: {', '.join(names) or 'none at all'}"
    fail(f"{given}: is no template of the store in {local_store.root}: {remedy}")


def _settings(local_store: Store) -> StoreSettings:
    """The store's settings, or as much of them as is valid: `check` reports the errors."""
    text = local_store.files.get("settings.json", "")
    read = parse_file(text, SettingsFile)
    if isinstance(read, list):
        read = parse_file(fallback_settings(local_store.files, read), SettingsFile)
        assert isinstance(read, SettingsFile), "fallback settings are valid"
    return StoreSettings.from_json(read.document())


def _files(local_store: Store, name: str) -> dict[str, str]:
    """The files of one template. Its folder has no subfolders."""
    folder = f"{_FOLDER}{name}/"
    names = {
        path: path.removeprefix(folder) for path in local_store.files if path.startswith(folder)
    }
    return {file: local_store.files[path] for path, file in names.items() if "/" not in file}


def _file_problem(local_store: Store, problem: Problem) -> FileProblem:
    path, _, position = problem.location.partition(":")
    position = f"line {position}" if position.isdigit() else position.strip() or "file"
    return FileProblem(local_store.shown(path), Problem(position, problem.reason, problem.remedy))
