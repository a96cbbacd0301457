"""Which modules of a package run during an operation.

`sys.setprofile` calls back for every call in this thread, and `threading.setprofile` for every call
in threads that start meanwhile. (`sys.monitoring` would be cheaper, but needs Python 3.12.)
"""

import importlib
import inspect
import pkgutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any


@dataclass
class Trace:
    """The modules of the package in the folder `root`, in the order in which they were entered.

    `functions` holds the names of the functions that ran in each; a function without a name, such
    as a lambda, counts for the module but is not listed. `excluded` names modules or folders
    directly below the package.
    """

    root: Path
    package: str
    excluded: frozenset[str] = frozenset()
    functions: dict[str, list[str]] = field(default_factory=dict)
    jumps: int = 0
    _modules: dict[CodeType, str] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Trace what runs inside the `with` block; may be used several times."""
        before = sys.getprofile()
        threading.setprofile(self._called)
        sys.setprofile(self._called)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(None)

    @property
    def modules(self) -> list[str]:
        return list(self.functions)

    def _called(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        module = self._module(frame.f_code)
        if not module:
            return
        ran = self.functions.setdefault(module, [])
        name = frame.f_code.co_qualname
        if not name.endswith(">") and name not in ran:  # <lambda>, <genexpr>, <listcomp> ...
            ran.append(name)
        caller = frame.f_back
        while caller is not None and not self._module(caller.f_code):
            caller = caller.f_back
        if caller is None or self._module(caller.f_code) != module:
            self.jumps += 1

    def _module(self, code: CodeType) -> str:
        """The name of the function's module; empty if it does not count."""
        if code not in self._modules:
            self._modules[code] = self._name(code)
        return self._modules[code]

    def _name(self, code: CodeType) -> str:
        if not code.co_flags & inspect.CO_OPTIMIZED:  # the body of a module or of a class
            return ""
        file = Path(code.co_filename)
        if not file.is_relative_to(self.root / self.package):
            return ""
        *parents, last = file.relative_to(self.root).with_suffix("").parts
        names = parents if last == "__init__" else [*parents, last]
        return "" if self.excluded & set(names[1:2]) else ".".join(names)


def import_all(package: str) -> None:
    """Import every module of the package, so that no import runs during a trace."""
    parent = importlib.import_module(package)
    for _, name, _ in pkgutil.walk_packages(parent.__path__, f"{package}."):
        if not name.endswith("__main__"):
            importlib.import_module(name)


def empty_caches(package: str) -> None:
    """Empty the package's caches (`functools.cache`), as in a new process."""
    for name, module in list(sys.modules.items()):
        if f"{name}.".startswith(f"{package}."):
            for value in list(vars(module).values()):
                clear = getattr(value, "cache_clear", None)
                if clear is not None and not isinstance(value, type):
                    clear()
