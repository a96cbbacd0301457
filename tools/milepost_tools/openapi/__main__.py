"""Print the document: `python -m milepost_tools.openapi > docs/openapi.json`."""

import sys

from milepost_tools.openapi.document import text

sys.stdout.write(text())
