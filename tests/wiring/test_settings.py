from datetime import timedelta

import pytest

from milepost.wiring.environment import FunctionSettings, SettingsError, read_settings

NEEDED = {
    "MILEPOST_STACK": "milepost",
    "MILEPOST_CONTACTS_TABLE": "contacts",
    "MILEPOST_WORKFLOWS_TABLE": "workflows",
}


def test_required_settings_are_enough() -> None:
    assert read_settings(NEEDED) == FunctionSettings("milepost", "contacts", "workflows")


def test_every_setting_is_read_from_its_variable() -> None:
    given = {f"MILEPOST_{name.upper()}": name for name in FunctionSettings._fields}
    settings = read_settings({**given, "MILEPOST_UNKNOWN": "x", "PATH": "/bin"})
    assert all(getattr(settings, name) == name for name in FunctionSettings._fields)


def test_all_missing_settings_are_named_together() -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({"MILEPOST_STACK": "", "MILEPOST_WORKFLOWS_TABLE": "workflows"})
    assert str(error.value) == (
        "the function's environment lacks MILEPOST_STACK, MILEPOST_CONTACTS_TABLE: deploy "
        "template.yaml again, it sets them"
    )


def test_need_raises_for_settings_of_one_function() -> None:
    settings = read_settings({**NEEDED, "MILEPOST_BUCKET": "files"})
    settings.need("bucket")
    with pytest.raises(SettingsError, match="lacks MILEPOST_SENDER, MILEPOST_PUBLIC_URL: "):
        settings.need("sender", "bucket", "public_url")


def test_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MILEPOST_RETENTION_DAYS", "30")
    assert read_settings().retention == timedelta(days=30)
