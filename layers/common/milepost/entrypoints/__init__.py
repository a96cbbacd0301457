"""Lambda glue: what AWS hands over becomes one call to a service."""

from milepost.entrypoints.warm import begin

begin()
