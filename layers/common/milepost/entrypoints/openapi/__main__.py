"""Print the document: `python -m milepost.entrypoints.openapi > docs/openapi.json`."""

import sys

from milepost.entrypoints.openapi.document import text

sys.stdout.write(text())
