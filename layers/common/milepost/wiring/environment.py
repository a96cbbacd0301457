"""The environment of a function, read once into one immutable value."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple


class SettingsError(Exception):
    """Required settings are missing from the environment; the message lists them all."""


class FunctionSettings(NamedTuple):
    """`MILEPOST_<NAME>` for every field. Every function needs the fields without a default."""

    stack: str
    contacts_table: str
    workflows_table: str
    retention_days: str = "400"
    cache_seconds: str = "30"
    clock: str = ""
    bucket: str = ""
    configuration_set: str = ""
    sender: str = ""
    sender_domain: str = ""
    public_url: str = ""
    state_machine_arn_prefix: str = ""
    state_machine_role_arn: str = ""
    run_steps_arn: str = ""
    await_event_arn: str = ""
    backfill_state_machine_arn: str = ""
    alarm_topic: str = ""
    privacy_queue: str = ""
    dead_letters: str = ""
    broadcast_rate: str = "10"
    suspend_after_days: str = "30"
    transition_price: str = "0.000025"
    mail_price: str = "0.0001"
    import_queue: str = ""
    export_queue: str = ""

    @property
    def retention(self) -> timedelta:
        return timedelta(days=int(self.retention_days))

    @property
    def suspend_after(self) -> timedelta:
        """Waits longer than this are suspended: they wait outside of Step Functions."""
        return timedelta(days=float(self.suspend_after_days))

    def need(self, *names: str) -> None:
        """Raise SettingsError that names every empty setting among `names`."""
        missing = [f"MILEPOST_{name.upper()}" for name in names if not getattr(self, name)]
        if missing:
            raise SettingsError(
                f"the function's environment lacks {', '.join(missing)}: "
                "deploy template.yaml again, it sets them"
            )


def read_settings(environment: Mapping[str, str] | None = None) -> FunctionSettings:
    """Read the settings from `environment`, or from the process's own environment if None."""
    source = os.environ if environment is None else environment
    values = {
        name: source[f"MILEPOST_{name.upper()}"]
        for name in FunctionSettings._fields
        if f"MILEPOST_{name.upper()}" in source
    }
    settings = FunctionSettings(
        **{"stack": "", "contacts_table": "", "workflows_table": "", **values}
    )
    settings.need("stack", "contacts_table", "workflows_table")
    return settings


def read_clock() -> str:
    """The clock of the stack that a command works on. Commands read no other setting here."""
    return os.environ.get("MILEPOST_CLOCK", "")
