"""`python -m milepost_tools`."""

import sys

from milepost_tools.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
