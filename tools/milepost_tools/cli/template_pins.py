"""Template versions that steps are pinned to, as far as local files can show them."""

from collections.abc import Iterator

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.simulator.publish import LocalStore
from milepost.simulator.test_case import STORE
from milepost.workflows.compiler.check_references import email_uses
from milepost.workflows.language.workflow import Workflow, walk
from milepost_tools.cli.local_store import Store
from milepost_tools.cli.output import FileProblem


def unknown_template_versions(store: Store, shop: LocalStore, path: str) -> Iterator[FileProblem]:
    """The pinned versions that differ from the current content of their template's folder. Only AWS
    knows earlier versions; publishing looks them up."""
    workflow = parse_file(store.files.get(path, ""), Workflow)
    if not isinstance(workflow, Workflow):
        return
    templates = shop.shelf.head(STORE).templates
    for place, step in walk(workflow.steps):
        for mailing in email_uses(place, step):
            name, version = mailing.template, mailing.version
            if version and name in templates and not shop.is_known(name, version):
                folder = f"templates/{name} is {templates[name]} now, and stands in for it"
                reason = f"only publishing knows if {name} was ever live as {version}"
                yield FileProblem(store.shown(path), Problem(mailing.pinned, reason, folder))
