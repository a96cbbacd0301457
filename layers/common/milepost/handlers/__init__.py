"""Lambda glue: what AWS hands over becomes one call to a service."""

from milepost.handlers.cold_start import pause_gc

pause_gc()
