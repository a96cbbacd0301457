"""Publishes a local workflow file in memory, together with its store."""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from milepost.simulator.publish import LocalStore, open_shop
from milepost_tools.cli.check_units import check_unit
from milepost_tools.cli.local_store import Store, open_store
from milepost_tools.cli.output import FileProblem, exit_with_problems, fail, warn
from milepost_tools.cli.template_pins import unknown_template_versions


class Published(NamedTuple):
    """A workflow without errors."""

    name: str
    shop: LocalStore


def publish_file(file: Path) -> Published:
    """Publish a workflow as the bucket would; end the command if it has errors."""
    if file.is_dir():
        fail(f"{file}: is a folder: name the file of a workflow")
    store = open_store(file)
    path = workflow_path(store, file)
    shop = open_shop(store.files, datetime.now(UTC))
    if path not in shop.reports:
        fail(f"{file}: is not a workflow of the store in {store.root}")
    if shop.reports[path].problems:
        exit_with_problems(_all_problems(store, path))
    warn(unknown_template_versions(store, shop, path))
    return Published(PurePosixPath(path).stem, shop)


def _all_problems(store: Store, path: str) -> list[FileProblem]:
    """All errors of the workflow and of the settings and templates that it uses."""
    found = check_unit(store).problems
    relied_on = [unit for unit in found if not unit.startswith(("workflows/", "tests/"))]
    return [problem for unit in (*relied_on, path) for problem in found[unit]]


def workflow_path(store: Store, file: Path) -> str:
    """The path of a workflow's file in the bucket."""
    path = store.path_of(file)
    if not path.startswith("workflows/"):
        fail(f"{file}: is not the file of a workflow")
    return path
