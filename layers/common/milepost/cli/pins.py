"""Versions of templates that steps are pinned to, as far as a store's files tell them."""

from collections.abc import Iterator

from milepost.cli.printing import Found
from milepost.cli.shelf import Store
from milepost.domain.compiler.mailings import mailings
from milepost.domain.compiler.tree import walk
from milepost.domain.language.steps import SendEmail
from milepost.domain.language.workflow import Workflow
from milepost.domain.problems import Problem
from milepost.domain.reading import read_file
from milepost.simulation.shop import Shop
from milepost.simulation.story import STORE


def unknown_pins(store: Store, shop: Shop, path: str) -> Iterator[Found]:
    """The pinned versions of a workflow that the folders of their templates are not, as they are
    now: only AWS knows if there were such, and publishing asks it."""
    workflow = read_file(store.files.get(path, ""), Workflow)
    if not isinstance(workflow, Workflow):
        return
    templates = shop.shelf.head(STORE).templates
    for place, step in walk(workflow.steps):
        for mailing in mailings(place, step) if isinstance(step, SendEmail) else ():
            name, version = mailing.template, mailing.version
            if version and name in templates and not shop.is_known(name, version):
                folder = f"templates/{name} is {templates[name]} now, and stands in for it"
                reason = f"only publishing knows if {name} was ever live as {version}"
                yield Found(store.shown(path), Problem(mailing.pinned, reason, folder))
