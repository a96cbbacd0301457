"""Measure the structure, print it beside its targets and write it: `make structure`.

`--list` also prints every module of each path in the order in which it is entered, with its lines
and the functions that run in it, every unreachable module, and every file that names an example.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.structure import FUNCTIONS, LAYER, PACKAGE, STRUCTURE, TEMPLATE, TOOLS
from bench.structure.mentions import EXAMPLES, find_mentions
from bench.structure.paths import EVENT_TO_MAIL, OPENED_MAIL, PUBLISH, trace_paths
from bench.structure.reachability import count_lines, find_modules, find_unreachable
from bench.structure.tracing import Trace

Traces = Mapping[str, tuple[Trace, Trace]]

MAX_MODULES = {EVENT_TO_MAIL: 65, OPENED_MAIL: 36, PUBLISH: 48}
MAX_LINES_OF_A_MODULE = 400
MAX_LINES = 39_000
MAX_UNREACHABLE = 0
PRODUCT = (LAYER, TOOLS)


def main() -> int:
    """Measure everything; return 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="make structure", description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the modules by name as well")
    wants_list = parser.parse_args().list
    console = Console(highlight=False)
    modules = find_modules(LAYER, PACKAGE)
    unreachable = find_unreachable(LAYER, PACKAGE, FUNCTIONS)
    traces = trace_paths()
    results = measure(traces, modules, unreachable)
    STRUCTURE.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    _show(console, results)
    if wants_list:
        _list(console, traces, modules, unreachable)
    for sentence in results["missed"]:
        console.print(f"[red]missed: {sentence}[/]", soft_wrap=True)
    return 1 if results["missed"] else 0


def measure(
    traces: Traces, modules: Mapping[str, Path], unreachable: Mapping[str, Path]
) -> dict[str, Any]:
    """All figures with their targets, and a sentence for each missed target."""
    lines = {name: count_lines([file]) for name, file in modules.items()}
    largest = max(lines, key=lambda name: lines[name])
    results: dict[str, Any] = {
        "paths": {
            path: {
                "modules": len(first.functions),
                "target": MAX_MODULES[path],
                "modules_again": len(again.functions),
                "jumps": first.jumps,
                "functions": sum(len(ran) for ran in first.functions.values()),
            }
            for path, (first, again) in traces.items()
        },
        "modules": len(modules),
        "largest_module": {
            "module": largest,
            "lines": lines[largest],
            "target": MAX_LINES_OF_A_MODULE,
        },
        "lines": {"layer": sum(lines.values()), "target": MAX_LINES},
        "unreachable": {
            "modules": len(unreachable),
            "lines": count_lines(unreachable.values()),
            "target": MAX_UNREACHABLE,
        },
        "files_that_name": {
            each.kind: {
                "example": each.words.partition("|")[0],
                "files": len(find_mentions(each, PRODUCT, TEMPLATE)),
            }
            for each in EXAMPLES
        },
    }
    results["missed"] = _missed(results, lines)
    return results


def _missed(results: Mapping[str, Any], lines: Mapping[str, int]) -> list[str]:
    found = [
        f"{row['modules']} modules run from {path!r}, target {row['target']}"
        for path, row in results["paths"].items()
        if row["modules"] > row["target"]
    ]
    found += [
        f"{name} has {number} lines, target {MAX_LINES_OF_A_MODULE}"
        for name, number in sorted(lines.items(), key=lambda item: -item[1])
        if number > MAX_LINES_OF_A_MODULE
    ]
    if results["lines"]["layer"] > MAX_LINES:
        found.append(f"the layer has {results['lines']['layer']:,} lines, target {MAX_LINES:,}")
    if (alone := results["unreachable"])["modules"] > MAX_UNREACHABLE:
        found.append(f"no function reaches {alone['modules']} modules ({alone['lines']:,} lines)")
    return found


def _show(console: Console, results: Mapping[str, Any]) -> None:
    table = Table(title="Modules that run, by path")
    for column in ("path", "modules", "target", "once more", "jumps", "functions"):
        table.add_column(column, justify="left" if column == "path" else "right")
    for path, row in results["paths"].items():
        figures = (row[key] for key in ("modules", "target", "modules_again", "jumps", "functions"))
        table.add_row(path, *(f"{figure}" for figure in figures))
    console.print(table)
    largest, alone = results["largest_module"], results["unreachable"]
    console.print(f"{results['lines']['layer']:,} lines of Python in {results['modules']} modules")
    console.print(f"the largest module is {largest['module']}: {largest['lines']} lines")
    console.print(f"no function reaches {alone['modules']} modules, {alone['lines']:,} lines")
    for kind, row in results["files_that_name"].items():
        console.print(f"a {kind}: {row['files']} files of the product name {row['example']}")


def _list(
    console: Console,
    traces: Traces,
    modules: Mapping[str, Path],
    unreachable: Mapping[str, Path],
) -> None:
    for path, (first, _) in traces.items():
        console.print(f"\n{path}")
        for number, (name, ran) in enumerate(first.functions.items(), 1):
            size = count_lines([modules[name]])
            console.print(
                f"{number:3} {size:4} {len(ran):3}  {name}: {', '.join(ran)}", soft_wrap=True
            )
    console.print("\nunreachable")
    for name, file in unreachable.items():
        console.print(f"    {count_lines([file]):4}      {name}")
    for each in EXAMPLES:
        files = find_mentions(each, PRODUCT, TEMPLATE)
        console.print(f"\na {each.kind}: {', '.join(files)}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
