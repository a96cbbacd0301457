"""The environment of a function, read once into one frozen value."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple


class SettingsError(Exception):
    """The environment lacks something; the message lists all of it."""


class FunctionSettings(NamedTuple):
    """`MILEPOST_<NAME>` for every field. Fields without a default are needed by every function."""

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
    machine_arn_prefix: str = ""
    machine_role_arn: str = ""
    run_steps_arn: str = ""
    await_event_arn: str = ""
    look_machine_arn: str = ""
    alarm_topic: str = ""
    privacy_queue: str = ""
    dead_letters: str = ""
    broadcast_rate: str = "10"
    park_after_days: str = "30"
    transition_price: str = "0.000025"
    mail_price: str = "0.0001"
    import_queue: str = ""
    export_queue: str = ""

    @property
    def retention(self) -> timedelta:
        return timedelta(days=int(self.retention_days))

    @property
    def park_after(self) -> timedelta:
        """Waits longer than this are not Step Functions'."""
        return timedelta(days=float(self.park_after_days))

    def need(self, *names: str) -> None:
        """Raise SettingsError naming every setting of these that is empty."""
        missing = [f"MILEPOST_{name.upper()}" for name in names if not getattr(self, name)]
        if missing:
            raise SettingsError(
                f"the function's environment lacks {', '.join(missing)}: "
                "deploy template.yaml again, it sets them"
            )


def read_settings(environment: Mapping[str, str] | None = None) -> FunctionSettings:
    """The settings of this environment (the process's own if none is given)."""
    source = os.environ if environment is None else environment
    given = {
        name: source[f"MILEPOST_{name.upper()}"]
        for name in FunctionSettings._fields
        if f"MILEPOST_{name.upper()}" in source
    }
    settings = FunctionSettings(
        **{"stack": "", "contacts_table": "", "workflows_table": "", **given}
    )
    settings.need("stack", "contacts_table", "workflows_table")
    return settings


def read_clock() -> str:
    """The clock of the stack that a command is about, which has no other setting of it here."""
    return os.environ.get("MILEPOST_CLOCK", "")
