"""Measure everything, print it, and write it to `bench/results.json`."""

import json
import os
import platform
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import RESULTS
from bench.check import measure_check
from bench.command import measure_command
from bench.imports import measure_imports
from bench.layer import build_layer, runtime, without_bytecode
from bench.rendering import measure_rendering
from bench.segments import measure_segments
from bench.table_requests import BIRTHDAYS, all_alike, measure_costs
from bench.transfers import measure_transfers
from bench.transitions import transitions
from bench.world import World, run_worker
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.language.workflow import Workflow

WORKFLOWS = Path(__file__).parent.parent / "workflows"
TARGETS = {
    "import_ratio": 1.15,
    "trigger_event_ms": 4.0,
    "run_steps_ms": 8.0,
    "trigger_event_writes": 1,
    "check_s": 2.0,
    "command_help_cpu_s": 0.3,
    "command_check_cpu_s": 0.6,
    "transfer_growth": 1.15,
    "rendering_ratio": 1.3,
}


def main() -> int:
    """Run all measurements; return 1 if a target was missed."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        console.print("Building the layer for this machine ...")
        layer = build_layer(Path(folder) / "layer")
        bare = without_bytecode(layer, Path(folder) / "bare")
        aws = runtime(Path(folder) / "runtime")
        console.print("Importing every handler in fresh processes ...")
        imports = measure_imports(layer, bare, aws)
        console.print("Checking fifty workflows ...")
        checking = measure_check()
        console.print("Starting the command ...")
        command = measure_command()
        console.print("Rendering a mail of 30 KB ...")
        rendering = measure_rendering()
        console.print("Importing and exporting a million ...")
        # A process of its own, because its peak memory is measured.
        with ProcessPoolExecutor(1, get_context("spawn")) as own:
            transfers = own.submit(measure_transfers).result()
        console.print("Asking 100,000 contacts for six segments ...")
        segments = measure_segments()
        console.print("Counting what an event costs among ten and among ten thousand ...")
        costs = measure_costs()
        console.print("Running handlers over loopback HTTP ...")
        with World(Path(folder)) as world:
            path = f"{layer}{os.pathsep}{aws}"
            cpu = {
                name: run_worker(world, path, name)
                for name in ("trigger_event", "react", "run_steps")
            }
            cart = run_worker(world, path, "path")
    results: dict[str, Any] = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        "embedded AWS (MiniStack); nothing here was measured on AWS",
        "imports": imports,
        "cpu_ms_per_call": cpu,
        "abandoned_cart_path": cart,
        "check_of_50_workflows_s": checking,
        "command_cpu_s": command,
        "mail_of_30_kb": rendering,
        "segments_in_process": segments,
        "transfers": transfers,
        "dynamodb_calls": costs,
        "transitions_on_longest_path": {
            name: _transitions(name) for name in ("abandoned-cart", "welcome")
        },
        "targets": TARGETS,
    }
    missed = _missed(results)
    results["missed"] = missed
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    _show(console, results)
    for sentence in missed:
        console.print(f"[red]missed: {sentence}[/]")
    return 1 if missed else 0


def _transitions(name: str) -> int:
    text = (WORKFLOWS / f"{name}.json").read_text("utf-8")
    return transitions(build_program(name, 1, Workflow.model_validate_json(text)))


def _missed(results: dict[str, Any]) -> list[str]:
    found = [
        f"{name} imports in {row['ratio']} of its floor, target {TARGETS['import_ratio']}"
        for name, row in results["imports"].items()
        if row["ratio"] > TARGETS["import_ratio"]
    ]
    for name in ("trigger_event", "run_steps"):
        took = results["cpu_ms_per_call"][name]["median"]
        if took > TARGETS[f"{name}_ms"]:
            found.append(f"{name} takes {took} ms of CPU, target {TARGETS[f'{name}_ms']}")
    writes = results["cpu_ms_per_call"]["trigger_event"]["writes_per_call"]
    if writes > TARGETS["trigger_event_writes"]:
        found.append(f"trigger_event writes {writes} times per event")
    found += [
        f"{what} of so many takes {row['growth']} times the memory of a third of them, "
        f"target {TARGETS['transfer_growth']}"
        for what, row in results["transfers"].items()
        if row["growth"] > TARGETS["transfer_growth"]
    ]
    if (ratio := results["mail_of_30_kb"]["ratio"]) > TARGETS["rendering_ratio"]:
        found.append(f"a mail of 30 KB takes {ratio} of the CPU of Jinja2 alone, target 1.3")
    costs = results["dynamodb_calls"]
    if not all_alike(costs):
        found.append("an event costs more where there is more: see dynamodb_calls")
    if costs["birthday_sweep"]["items read"] > BIRTHDAYS + 1:
        found.append("a birthday sweep reads timers that are not due")
    checking = results["check_of_50_workflows_s"]["median"]
    if checking > TARGETS["check_s"]:
        found.append(f"50 workflows are checked in {checking} s, target {TARGETS['check_s']}")
    for call, took in results["command_cpu_s"].items():
        if took > TARGETS[f"command_{call}_cpu_s"]:
            target = TARGETS[f"command_{call}_cpu_s"]
            found.append(f"milepost {call} takes {took} s of CPU, target {target}")
    return found


def _show(console: Console, results: dict[str, Any]) -> None:
    table = Table(title="Import of each handler, CPU ms, median")
    for column in ("handler", "with bytecode", "floor", "ratio", "without bytecode"):
        table.add_column(column, justify="left" if column == "handler" else "right")
    for name, row in results["imports"].items():
        table.add_row(
            name,
            f"{row['bytecode']:.0f}",
            f"{row['floor']:.0f}",
            f"{row['ratio']:.2f}",
            f"{row['source']:.0f}",
        )
    console.print(table)
    table = Table(title="One call over loopback HTTP")
    for column in ("what", "CPU ms, median", "AWS calls"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, row in results["cpu_ms_per_call"].items():
        table.add_row(name, f"{row['median']:.2f}", str(row["calls_per_call"]))
    console.print(table)
    table = Table(
        title="Memory that files of 300,000 and 1,000,000 take (exports: 1 and 3 million)"
    )
    for column in ("what", "MB at most", "MB at most", "a CPU second"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, row in results["transfers"].items():
        small, large = (f"{row[key]:.0f}" for key in row if key.startswith("mb_at"))
        table.add_row(name, small, large, f"{row['per_cpu_second']:,.0f}")
    console.print(table)
    console.print_json(json.dumps(results["abandoned_cart_path"]))
    mail = results["mail_of_30_kb"]
    console.print(f"a mail of 30 KB: {mail['ours_ms']} ms of CPU, {mail['ratio']} of Jinja2 alone")
    console.print(f"50 workflows are checked in {results['check_of_50_workflows_s']['median']} s")
    for call, took in results["command_cpu_s"].items():
        console.print(f"milepost {call}: {took} s of CPU")
    console.print(
        f"{results['segments_in_process']['contacts_per_cpu_s']:,} contacts per CPU second are "
        "asked for six segments"
    )
    one, sweep = (results["dynamodb_calls"][key] for key in ("one_event_besides", "birthday_sweep"))
    console.print(f"one event, whatever there is besides: {next(iter(one.values()))}")
    console.print(f"a birthday sweep: {sweep}")
    console.print(f"billed transitions: {results['transitions_on_longest_path']}")


if __name__ == "__main__":
    sys.exit(main())
