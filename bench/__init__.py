"""Measures in one run what the README claims about speed and cost: `make bench`."""

from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"
REPOSITORY = Path(__file__).parent.parent
