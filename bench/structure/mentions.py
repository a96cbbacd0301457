"""How many product files name one example of a kind, such as one step type.

The cost of a new step is measured on an existing one: every file whose code names it had to be
written or changed for it. Code means names, imports and strings; comments and docstrings do not
count. The layer, the command line in `tools/` and `template.yaml` are the product; tests, docs and
generated schemas are not. A folder that belongs to the example alone counts as one file.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple


class Example(NamedTuple):
    """One example of a kind. `words` is a pattern for its names; `own` is its folder, if any."""

    kind: str
    words: str
    own: str = ""


EXAMPLES: Final = (
    Example("step that waits", "delay_until|DelayUntil"),
    Example("condition operator", "within_last"),
    Example("contact field", "last_name"),
    Example("shop platform", "shopify|Shopify[A-Za-z]*|shopify_[a-z_]+", own="shopify"),
)


def find_mentions(example: Example, roots: Sequence[Path], template: Path) -> list[str]:
    """The files in the folders `roots`, and the template, that name the example.

    Raises LookupError if there are none: then the example was removed or renamed.
    """
    word = re.compile(rf"(?<![A-Za-z0-9_])({example.words})(?![A-Za-z0-9_])")
    found = []
    files = [(file, file.relative_to(root)) for root in roots for file in root.rglob("*.py")]
    for file, path in sorted(files):
        name = path.as_posix()
        if example.own and example.own in path.parts:
            name = "/".join(path.parts[: path.parts.index(example.own) + 1])
        if name not in found and any(word.search(text) for text in _code(file)):
            found.append(name)
    lines = template.read_text("utf-8").splitlines()
    if any(word.search(line.partition("#")[0]) for line in lines):
        found.append(template.name)
    if not found:
        raise LookupError(f"no file names the {example.kind} {example.words}")
    return found


def _code(file: Path) -> Iterator[str]:
    """The names and strings in the code of a file."""
    tree = ast.parse(file.read_text("utf-8"))
    docstrings = {
        statement.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in node.body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if node not in docstrings:
                yield text
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)) | ast.alias(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.ImportFrom(module=str(name)):
                yield name
