"""Hypothesis looks at the same examples every time, so that a failure is the change's own, and
however long it takes, for a busy machine is no mistake.

`HYPOTHESIS_PROFILE=search` looks for new ones; what it finds becomes an `@example`.
"""

import os

from hypothesis import settings

settings.register_profile("repeat", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
# A real browser looks at readers' pages in `make browser-test`, which is part of `make test`.
collect_ignore = [] if os.environ.get("MILEPOST_BROWSER") else ["browser"]

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))
