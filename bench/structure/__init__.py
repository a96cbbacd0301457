"""How the product's code is laid out, in figures: `make structure`.

It prints the figures beside their targets and writes them to `bench/structure.json`.

**Modules on a path.** The real handlers run against an in-memory AWS (moto). A module counts if at
least one of its functions runs: a function, method, property, lambda, comprehension or generator
whose code is in a file of the package `milepost`. What does not count: a module that is only
imported; the body of a class; what Python generates (the `__init__` of a dataclass has no file);
everything in EXCLUDED, which only builds objects; `functions/`, `tests/`, `local/` and all
libraries. A package's `__init__.py` counts like any other module.

Each path is measured twice. *First*, which has the target: all modules are imported, and every
cache of the package is empty, as in the first call of a new function. *Again*: the same path for
another contact, immediately afterwards. The difference is what a function reads once and caches.

A *jump* is a call (or a resumed generator) that enters a module from another one. Calls through
EXCLUDED and through libraries count as coming from the last module before.

**Unreachable modules** are those that no `functions/*/app.py` imports, directly or indirectly;
`reachability` says which imports count. **Lines** are those of `wc -l`. **Files that name a thing**
are explained in `mentions`.
"""

from typing import Final

from bench import REPOSITORY

LAYER: Final = REPOSITORY / "layers" / "common"
PACKAGE: Final = "milepost"
FUNCTIONS: Final = REPOSITORY / "functions"
STRUCTURE: Final = REPOSITORY / "bench" / "structure.json"

TOOLS: Final = REPOSITORY / "tools"
TEMPLATE: Final = REPOSITORY / "template.yaml"

EXCLUDED: Final = frozenset({"wiring"})
"""Rooms (folders or modules directly below the package) that the paths leave out."""
