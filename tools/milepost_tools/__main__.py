"""`python -m milepost_tools`."""

import sys

from milepost_tools.cli.app import run

if __name__ == "__main__":
    sys.exit(run())
