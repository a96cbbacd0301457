"""`make bench` still runs. This test does not check how long it takes."""

import os
import sysconfig
from pathlib import Path

import pytest

from bench.world import World, run_worker
from local.aws import REPOSITORY

pytestmark = pytest.mark.stack


def test_bench_runs_abandoned_cart_to_its_end(tmp_path: Path) -> None:
    library = REPOSITORY / "layers" / "common"
    with World(tmp_path) as world:
        path = f"{library}{os.pathsep}{sysconfig.get_path('purelib')}"
        walked = run_worker(world, path, "path")
    assert [part for part in walked["parts"] if part.startswith("run_steps")] == [
        "run_steps from first-wait",
        "run_steps from reminder",
        "run_steps from second-reminder",
        "run_steps from last-call",
    ]
    assert walked["calls"]["SendEmail"] == 3
    assert walked["parts"]["trigger_event"]["units"]["read"] == 1  # of BatchGetItem
    assert walked["units"]["read"] >= walked["calls"]["BatchGetItem"] + walked["calls"]["GetItem"]
