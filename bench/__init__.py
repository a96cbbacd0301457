"""What the README claims about speed and cost, measured in one run: `make bench`."""

from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"
REPOSITORY = Path(__file__).parent.parent
