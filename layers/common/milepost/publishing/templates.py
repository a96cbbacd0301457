"""Publishes a template: one folder."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from milepost.base.problems import Problem
from milepost.publishing.report import PublishResult, rejected
from milepost.publishing.usage import live_programs, sends_marketing, sends_template
from milepost.templates.compile import check_marketing, compile_template
from milepost.templates.version import TemplateVersion

if TYPE_CHECKING:
    from milepost.publishing.ports import PublishedWriter


Texts = Mapping[str, str]


def publish_template(
    publications: "PublishedWriter", store: str, name: str, files: Texts, layout: Texts
) -> PublishResult:
    """Publish a template's folder. The live version stays on a mistake or a deletion while used."""
    head = publications.head(store)
    if not files:
        return _hide(publications, store, name)
    settings = head.settings
    compiled = compile_template(name, files, layout, settings.default_locale, settings.locales)
    if not isinstance(compiled, TemplateVersion):
        return rejected(compiled)
    users = marketing_users(publications, store, name)
    if users and (problems := check_marketing(compiled)):
        used = f"used for marketing by {', '.join(users)}"
        return rejected(replace(p, reason=f"{p.reason}, {used}") for p in problems)
    before = head.templates.get(name)
    if before == compiled.hash:
        return PublishResult("unchanged", version=compiled.hash)
    publications.keep_template(store, compiled)
    publications.show_template(store, name, compiled.hash)
    note = f"before it, version {before} was live" if before else ""
    return PublishResult("published", version=compiled.hash, note=note)


def _hide(publications: "PublishedWriter", store: str, name: str) -> PublishResult:
    published = live_programs(publications, store, publications.head(store))
    if users := [program.workflow for program in published if sends_template(program, name)]:
        reason = f"is used by {', '.join(users)}"
        return rejected([Problem(f"templates/{name}", reason, "its last version stays live")])
    publications.hide_template(store, name)
    return PublishResult("archived")


def marketing_users(publications: "PublishedWriter", store: str, name: str) -> list[str]:
    """The published workflows that send this template as marketing without a pinned version."""
    published = live_programs(publications, store, publications.head(store))
    return [program.workflow for program in published if sends_marketing(program, name)]
