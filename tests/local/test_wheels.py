"""The layer's packages are downloaded once for a lock file, and a failure gives its reason."""

from pathlib import Path

import pytest

from local.errors import LocalError
from local.stack.wheels import pip_settings, wheelhouse


def test_empty_lock_file_gives_empty_folder_that_is_kept(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("# nothing\n")
    wheels = wheelhouse(lock, tmp_path / "wheels")
    (wheels / "kept.whl").write_text("")

    assert wheelhouse(lock, tmp_path / "wheels") == wheels
    assert (wheels / "kept.whl").exists()
    assert pip_settings(lock, tmp_path / "wheels") == {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels.as_uri(),
    }

    lock.write_text("# something else\n")
    assert wheelhouse(lock, tmp_path / "wheels") != wheels
    assert not wheels.exists()


def test_failed_download_raises_error_with_pip_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock = tmp_path / "requirements.txt"
    lock.write_text("milepost-does-not-exist==1 --hash=sha256:" + "0" * 64 + "\n")

    with pytest.raises(LocalError, match=r"index in reach\?[\s\S]*milepost-does-not-exist"):
        wheelhouse(lock, tmp_path / "wheels")
    with pytest.raises(LocalError):
        wheelhouse(lock, tmp_path / "wheels")


def test_project_without_lock_file_leaves_pip_unchanged(tmp_path: Path) -> None:
    assert pip_settings(tmp_path / "none.txt", tmp_path) == {}
