"""Every module of the layer is reachable from a function."""

from pathlib import Path

from bench.structure import FUNCTIONS, LAYER, PACKAGE
from bench.structure.reachability import (
    count_lines,
    find_modules,
    find_unreachable,
    imported_names,
    reachable,
)


def test_every_layer_module_is_reachable_from_a_function() -> None:
    assert sorted(find_unreachable(LAYER, PACKAGE, FUNCTIONS)) == []


def write(root: Path, **texts: str) -> None:
    """Write modules by name, with two underscores for a dot."""
    for name, text in texts.items():
        file = root.joinpath(*name.split("__")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        for folder in (file.parent, *file.parent.parents):
            if folder == root or not folder.is_relative_to(root):
                break
            (folder / "__init__.py").touch()


def unreachable(tmp_path: Path, **texts: str) -> list[str]:
    """The modules of a package `shop` that the function `go` does not reach."""
    write(tmp_path / "layer", **texts)
    write(tmp_path / "functions", go__app="from shop.handlers import go\n")
    return sorted(find_unreachable(tmp_path / "layer", "shop", tmp_path / "functions"))


def test_module_is_reachable_through_others(tmp_path: Path) -> None:
    assert unreachable(
        tmp_path,
        shop__handlers__go="import shop.core",
        shop__core="from shop.rooms.attic import box",
        shop__rooms__attic="box = 1",
        shop__rooms__cellar="import shop.core",
    ) == ["shop.rooms.cellar"]


def test_imports_in_functions_and_for_types_count(tmp_path: Path) -> None:
    late = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shop.ports\n"
    late += "def go():\n    from shop import late\n"
    assert unreachable(tmp_path, shop__handlers__go=late, shop__ports="", shop__late="") == []


def test_relative_import_starts_at_its_module(tmp_path: Path) -> None:
    found = unreachable(
        tmp_path,
        shop__handlers__go="from . import near\nfrom ..rooms import far\n",
        shop__handlers__near="",
        shop__rooms__far="",
        shop__near="",
    )
    assert found == ["shop.near"]


def test_unreachable_folder_is_listed_with_its_init(tmp_path: Path) -> None:
    found = unreachable(tmp_path, shop__handlers__go="", shop__old__thing="")
    assert found == ["shop.old", "shop.old.thing"]


def test_package_init_imports_are_reachable_with_any_of_its_modules(tmp_path: Path) -> None:
    write(tmp_path, shop__steps__send="", shop__tables="", shop__other="")
    (tmp_path / "shop" / "steps" / "__init__.py").write_text("from .. import tables\n", "utf-8")
    start = tmp_path / "app.py"
    start.write_text("import shop.steps.send\n", "utf-8")
    reached = reachable(find_modules(tmp_path, "shop"), [start])
    assert reached == {"shop", "shop.steps", "shop.steps.send", "shop.tables"}


def test_names_of_other_packages_are_collected(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("import json, os.path\nfrom boto3 import client\n", "utf-8")
    assert list(imported_names(file, "app")) == ["json", "os.path", "boto3", "boto3.client"]


def test_lines_are_counted_like_wc(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("a = 1\n\nb = 2\n", "utf-8")
    two.write_text("a = 1\nno_end = 2", "utf-8")
    assert count_lines([one, two]) == 4
