"""What has been published: the reading side and the writing side of one shelf."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from milepost.domain.program import Program
from milepost.domain.rendering import Renderer
from milepost.domain.settings import StoreSettings
from milepost.ports import Head, Live

if TYPE_CHECKING:
    from milepost.domain.template_versions import TemplateVersion


@dataclass(slots=True)
class Shelf:
    """What the workflows table holds: heads that change, and versions that never do."""

    lock: RLock = field(default_factory=RLock)
    heads: dict[str, Head] = field(default_factory=dict)
    programs: dict[tuple[str, str, int], tuple[Program, str]] = field(default_factory=dict)
    templates: dict[tuple[str, str, str], "TemplateVersion"] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)

    def head(self, store: str) -> Head:
        return self.heads.get(store) or Head(StoreSettings(), {}, {})

    def program(self, store: str, workflow: str, version: int) -> Program:
        if (store, workflow, version) not in self.programs:
            raise LookupError(f"workflow {workflow} version {version} is not in the registry")
        return self.programs[store, workflow, version][0]

    def template(self, store: str, name: str, version: str) -> "TemplateVersion":
        if (store, name, version) not in self.templates:
            raise LookupError(f"template {name} version {version} is not in the registry")
        return self.templates[store, name, version]


@dataclass(frozen=True, slots=True)
class MemoryRegistry:
    """Implements `Registry`: always the present."""

    shelf: Shelf
    _renderers: dict[tuple[str, str, str], Renderer] = field(default_factory=dict)

    def head(self, store: str) -> Head:
        return self.shelf.head(store)

    def program(self, store: str, workflow: str, version: int) -> Program:
        return self.shelf.program(store, workflow, version)

    def template(self, store: str, name: str, version: str) -> Renderer:
        key = (store, name, version)
        if key not in self._renderers:
            self._renderers[key] = Renderer(self.shelf.template(*key))
        return self._renderers[key]


@dataclass(frozen=True, slots=True)
class MemoryPublications:
    """Implements `Publications`."""

    shelf: Shelf

    def head(self, store: str) -> Head:
        return self.shelf.head(store)

    def program(self, store: str, workflow: str, version: int) -> Program:
        return self.shelf.program(store, workflow, version)

    def template(self, store: str, name: str, version: str) -> "TemplateVersion":
        return self.shelf.template(store, name, version)

    def source(self, store: str, workflow: str, version: int) -> str:
        return self.shelf.programs.get((store, workflow, version), (None, ""))[1]

    def keep_program(self, store: str, program: Program, source: str) -> bool:
        key = (store, program.workflow, program.version)
        return self.shelf.programs.setdefault(key, (program, source))[1] == source

    def keep_template(self, store: str, template: "TemplateVersion") -> None:
        self.shelf.templates[store, template.name, template.hash] = template

    def go_live(self, store: str, workflow: str, live: Live, after: int) -> bool:
        with self.shelf.lock:
            head = self.head(store)
            held = head.workflows.get(workflow)
            if (held.version if held else 0) != after:
                return False
            self.shelf.heads[store] = replace(head, workflows={**head.workflows, workflow: live})
        return True

    def show_template(self, store: str, name: str, version: str) -> None:
        with self.shelf.lock:
            head = self.head(store)
            self.shelf.heads[store] = replace(head, templates={**head.templates, name: version})

    def hide_template(self, store: str, name: str) -> None:
        with self.shelf.lock:
            head = self.head(store)
            left = {other: version for other, version in head.templates.items() if other != name}
            self.shelf.heads[store] = replace(head, templates=left)

    def apply_settings(self, store: str, settings: Mapping[str, Any]) -> None:
        with self.shelf.lock:
            applied = StoreSettings.from_json(settings)
            self.shelf.heads[store] = replace(self.head(store), settings=applied)

    def refused(self, store: str, path: str, refused: bool) -> None:
        paths = self.shelf.refused.setdefault(store, set())
        if refused:
            paths.add(path)
        else:
            paths.discard(path)

    def all_refused(self, store: str) -> list[str]:
        return sorted(self.shelf.refused.get(store, ()))
