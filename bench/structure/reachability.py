"""Which modules of a package the functions can reach, found in the source without running it.

Every import statement counts: at the top, in a function, or under `if TYPE_CHECKING:`. A module
that is imported only for its types counts, because a reader of the importing module has to know it,
and most ports are used that way. `from a import b` leads to the module `a.b` if it exists, and
always to `a` and all packages above it, because Python runs them. An import by a name in a string
is not found; the product has none.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def find_modules(root: Path, package: str) -> dict[str, Path]:
    """The modules of the package in the folder `root`, by their full names."""
    found = {}
    for file in sorted((root / package).rglob("*.py")):
        *parents, last = file.relative_to(root).with_suffix("").parts
        found[".".join(parents if last == "__init__" else [*parents, last])] = file
    return found


def imported_names(file: Path, module: str) -> Iterator[str]:
    """Every dotted name that the file imports: a module or a name in one.

    `module` is the file's own name, from which relative imports start.
    """
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def reachable(modules: Mapping[str, Path], starts: Iterable[Path]) -> set[str]:
    """The names of the modules that the files `starts` import, directly or indirectly."""
    waiting = [name for file in starts for name in imported_names(file, file.stem)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in modules:
            continue
        seen.add(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])
        waiting += imported_names(modules[name], name)
    return seen


def find_unreachable(root: Path, package: str, functions: Path) -> dict[str, Path]:
    """The package's modules that no `app.py` in a folder of `functions` reaches, with their files.

    A folder's `__init__.py` is reached together with any module of the folder.
    """
    modules = find_modules(root, package)
    reached = reachable(modules, sorted(functions.glob("*/app.py")))
    return {name: file for name, file in modules.items() if name not in reached}


def count_lines(files: Iterable[Path]) -> int:
    """Lines as `wc -l` counts them."""
    return sum(file.read_bytes().count(b"\n") for file in files)
