"""How long `milepost check` takes for a store of fifty workflows, including Python's start."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import REPOSITORY

WORKFLOWS = 50
RUNS = 5


def measure_check() -> dict[str, float]:
    """The wall-clock seconds of several calls: `{"median", "best"}`."""
    with tempfile.TemporaryDirectory() as folder:
        store = fifty_workflows(Path(folder) / "store")
        took = sorted(_run(store) for _ in range(RUNS))
    return {"median": round(statistics.median(took), 2), "best": round(took[0], 2)}


def fifty_workflows(store: Path) -> Path:
    """The shipped workflows, and enough variations of the abandoned cart to make fifty."""
    shutil.copytree(REPOSITORY / "workflows", store, ignore=shutil.ignore_patterns("schema"))
    document = json.loads((store / "abandoned-cart.json").read_text("utf-8"))
    for number in range(WORKFLOWS - len(list(store.glob("*.json"))) + 1):
        document["title"] = f"Abandoned cart {number}"
        document["steps"][0]["for"] = f"{number + 1} hours"
        (store / f"cart-{number}.json").write_text(json.dumps(document), "utf-8")
    return store


def _run(store: Path) -> float:
    paths = [str(REPOSITORY / folder) for folder in ("layers/common", "tools")]
    path = os.pathsep.join(paths)
    command = [sys.executable, "-m", "milepost_tools", "check", str(store)]
    started = time.perf_counter()
    answer = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - started
    if answer.returncode or not answer.stdout.startswith(f"{WORKFLOWS} workflows"):
        raise RuntimeError(f"milepost check did not check the store: {answer}")
    return took


if __name__ == "__main__":
    print(measure_check())
