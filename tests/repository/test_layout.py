"""Four rules of the layout. The order of the rooms is import-linter's contract in pyproject.toml.

An edge is a module that calls other systems: `aws/`, a room's `aws.py` or `dynamodb`, and
`outbound/https.py`. All other modules of a room are pure: callers pass them what they need.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LAYER = ROOT / "layers" / "common"
MODULES = {
    ".".join(path.relative_to(LAYER).with_suffix("").parts): path
    for path in sorted((LAYER / "milepost").rglob("*.py"))
}
SHELLS = {"wiring", "handlers"}
"""Rooms that combine edges and pure modules."""
IMPURE = {"os", "random", "secrets", "socket", "subprocess", "time"}
NOT_SHIPPED = {"bench", "dns", "local", "milepost_tools", "rich", "tests", "typer"}


def imports(path: Path) -> set[str]:
    """The dotted names that a module imports, including imports for types."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
            found.add(str(node.module))
    return found


def is_edge(module: str) -> bool:
    return bool({"aws", "dynamodb"} & {*module.split(".")}) or module == "milepost.outbound.https"


def is_shell(module: str) -> bool:
    return len(module.split(".")) > 1 and module.split(".")[1] in SHELLS


def using(libraries: set[str], modules: Iterable[str]) -> list[str]:
    """The modules among `modules` that import one of `libraries`."""
    return [
        module
        for module in modules
        if {name.partition(".")[0] for name in imports(MODULES[module])} & libraries
    ]


PURE = [module for module in MODULES if not is_edge(module) and not is_shell(module)]


def test_only_edges_and_wiring_import_boto3() -> None:
    pure = [module for module in MODULES if not is_edge(module)]
    allowed = [module for module in pure if module.startswith("milepost.wiring.")]
    assert using({"boto3", "botocore"}, set(pure) - set(allowed)) == []


def test_pure_module_imports_no_edge() -> None:
    edges = {module for module in MODULES if is_edge(module)}
    assert [module for module in PURE if imports(MODULES[module]) & edges] == []


def test_pure_module_uses_no_environment_clock_random_or_socket() -> None:
    assert using(IMPURE, PURE) == []


def test_layer_imports_only_shipped_packages() -> None:
    assert using(NOT_SHIPPED, MODULES) == []
