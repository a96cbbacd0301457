"""The Lambda handlers. Each parses its input, calls one service and builds the answer."""

from milepost.handlers.cold_start import pause_gc

pause_gc()
