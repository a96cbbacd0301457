"""The emulator as a child process: one per run folder, and none left however its parent ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import aws, ports
from local.errors import LocalError
from local.stack.ministack import Emulator, end_leftover, end_owner, group_lives

PARENT = """
import sys, time
from pathlib import Path
from local.stack.ministack import Emulator
emulator = Emulator(Path(sys.argv[1]), port=0)
emulator.start()
print(emulator.port, flush=True)
time.sleep(60)
"""


def leader(folder: Path) -> int:
    return int((folder / "ministack.pid").read_text())


def gone(group: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not group_lives(group):
            return True
        time.sleep(0.05)
    return False


def parent(folder: Path) -> "subprocess.Popen[str]":
    """A program that has started an emulator in the folder."""
    command = [sys.executable, "-c", PARENT, str(folder)]
    process = subprocess.Popen(command, cwd=aws.REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0
    return process


def test_emulator_starts_answers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Emulator(tmp_path, port=0) as emulator:
        emulator.start({"MILEPOST_CLOCK": "2026-11-22T09:00:00Z@60"})
        group = leader(tmp_path)
        clients = aws.Clients(emulator.url)
        assert clients.s3.list_buckets()["Buckets"] == []
        clients.close()
        emulator.stop()

    assert gone(group)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["lock", "ministack.log"]


def test_run_folder_belongs_to_one_emulator_at_a_time(tmp_path: Path) -> None:
    with Emulator(tmp_path, port=0) as first:
        first.start()
        with pytest.raises(LocalError, match=r"running already.*local down"):
            Emulator(tmp_path, port=0).start()
        assert group_lives(leader(tmp_path))
    with Emulator(tmp_path, port=0) as second:
        second.start()


def test_another_port_is_used_if_preferred_one_is_taken(tmp_path: Path) -> None:
    with ports.listen(0) as taken, Emulator(tmp_path, port=ports.port_of(taken)) as emulator:
        emulator.start()

        assert emulator.port != ports.port_of(taken)


def test_emulator_ends_when_parent_is_killed(tmp_path: Path) -> None:
    process = parent(tmp_path)
    group = leader(tmp_path)
    process.kill()
    process.communicate()

    assert gone(group)
    with Emulator(tmp_path, port=0) as again:
        again.start()


def test_running_emulator_can_be_ended_by_another_program(tmp_path: Path) -> None:
    assert not end_owner(tmp_path / "never")
    process = parent(tmp_path)
    group = leader(tmp_path)

    assert end_owner(tmp_path)
    process.communicate()
    assert gone(group)
    assert not end_owner(tmp_path)


def test_reused_process_id_is_not_killed(tmp_path: Path) -> None:
    innocent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pid_file = tmp_path / "ministack.pid"
    pid_file.write_text(str(innocent.pid))

    assert not end_leftover(pid_file)
    assert innocent.poll() is None
    assert not pid_file.exists()
    innocent.communicate(b"\n")


def test_crashed_emulator_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "NONSENSE")
    emulator = Emulator(tmp_path, port=0)

    with pytest.raises(LocalError, match=r"ended at once.*make demo") as caught:
        emulator.start()

    assert "ministack.log" in str(caught.value)
    assert "\n    " in str(caught.value)
    emulator.log.unlink()
    assert "it is empty" in str(emulator.failure("What?"))


def test_silent_emulator_is_given_up(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, port=0, patience=0.0)

    with pytest.raises(LocalError, match="did not answer"):
        emulator.start()


def test_users_aws_settings_do_not_reach_emulator(tmp_path: Path) -> None:
    own = {
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "t",
        "AWS_ENDPOINT_URL_S3": "x",
        "HOME": "/h",
    }

    clean = aws.clean_environment(own)

    assert clean["HOME"] == "/h"
    assert clean["AWS_ACCESS_KEY_ID"] == "test"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & set(clean)


def test_clients_ignore_users_aws_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "that-does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://real.example")
    clients = aws.Clients("http://127.0.0.1:1")

    assert clients.s3.meta.endpoint_url == "http://127.0.0.1:1"
    clients.close()


def test_listening_socket_is_exclusive() -> None:
    with ports.listen(0) as ours:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((ports.LOOPBACK, ports.port_of(ours)))
        with ports.listen(ports.port_of(ours)) as second:
            assert ports.port_of(second) != ports.port_of(ours)


def test_ended_process_group_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], start_new_session=True)
    assert group_lives(process.pid)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    assert not group_lives(process.pid)
