"""The emulator as a child process: started, checked until it is ready, and ended with us.

It runs in a process group of its own, together with the Lambda workers it starts. Three things end
that group: `stop`; the end of the program that started it, however it ends (see local/emulator);
and the next start in the same run folder, if all else failed.
"""

import contextlib
import fcntl
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from local import aws, ports
from local.errors import LocalError

DEFAULT_PORT = 4566
HEALTH = "/_ministack/health"

# MiniStack settings that a user's shell could contain and that would change its behavior.
FOREIGN_PREFIXES = ("LAMBDA_", "LOCALSTACK_", "MINISTACK_", "MILEPOST_", "S3_", "SFN_", "PYTHON")
FOREIGN_NAMES = ("AUTH", "EDGE_PORT", "GATEWAY_PORT", "PERSIST_STATE", "SERVICES", "USE_SSL")


class Emulator:
    """MiniStack, from `start` to `stop`. One run folder belongs to one emulator at a time."""

    def __init__(
        self,
        run_folder: Path,
        *,
        auth: bool = True,
        port: int = DEFAULT_PORT,
        patience: float = 60.0,
    ) -> None:
        self.run_folder = run_folder
        self.log = run_folder / "ministack.log"
        self.auth = auth
        self.preferred_port = port
        self.patience = patience
        self.port = 0
        self._pid_file = run_folder / "ministack.pid"
        self._scratch = run_folder / "tmp"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start and wait until it is ready. `settings` become the Lambda functions' environment.

        Raises LocalError if the run folder is in use, or the emulator ends or does not answer.
        """
        self._claim_run_folder()
        try:
            self.port = ports.free_port(self.preferred_port)
            self._launch(settings or {})
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the emulator and all its workers; does nothing if there is none."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin:
                process.stdin.close()
            end_group(process.pid, process)
        shutil.rmtree(self._scratch, ignore_errors=True)
        if self._lock is not None:
            self._pid_file.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def failure(self, what: str) -> LocalError:
        """An error that shows the end of the emulator's log."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        tail = "\n".join(f"    {line}" for line in lines[-15:]) or "    (it is empty)"
        return LocalError(f"{what}\n  The end of {self.log}:\n{tail}")

    def _claim_run_folder(self) -> None:
        self.run_folder.mkdir(parents=True, exist_ok=True)
        self._lock = take_lock(self.run_folder)
        if self._lock is None:
            raise LocalError(
                f"A local stack is running already from {self.run_folder} "
                f"(process {owner_of(self.run_folder)}). "
                f"Use that one, or end it with `python -m local down`."
            )
        end_leftover(self._pid_file)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()

    def _launch(self, settings: Mapping[str, str]) -> None:
        environment = {
            name: value
            for name, value in aws.clean_environment().items()
            if not name.startswith(FOREIGN_PREFIXES) and name not in FOREIGN_NAMES
        }
        environment |= {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": ports.LOOPBACK,
            "MINISTACK_REGION": aws.REGION,
            "AUTH": "true" if self.auth else "false",
            # Listeners that we do not use, and a daemon that it must not touch.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{self._scratch}/no-docker.sock",
            "TMPDIR": str(self._scratch),
            "AWS_ENDPOINT_URL": self.url,
            **settings,
        }
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".previous.log"))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.emulator"],
                cwd=aws.REPOSITORY,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pid_file.write_text(str(self._process.pid))

    def _wait_until_healthy(self) -> None:
        process = self._process
        assert process is not None
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise self.failure(
                    f"The emulator ended at once with status {process.returncode}. If its port "
                    f"{self.port} is taken, try again; if a package is missing, `make demo` has it."
                )
            if answers(self.port):
                return
            time.sleep(0.05)
        raise self.failure(
            f"The emulator did not answer at {self.url} within {self.patience:.0f} seconds. "
            f"A busy machine may need longer; else the log says what it waits for."
        )


def take_lock(run_folder: Path) -> IO[str] | None:
    """Lock the run folder until the file is closed or we end; None if another program holds the
    lock."""
    lock = (run_folder / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def owner_of(run_folder: Path) -> int:
    """The process that owns or last owned the run folder; 0 if there is none."""
    try:
        return int((run_folder / "lock").read_text())
    except (OSError, ValueError):
        return 0


def end_owner(run_folder: Path) -> bool:
    """End the program that owns the run folder, and its emulator; True if there was something to
    end."""
    if not run_folder.exists():
        return False
    lock = take_lock(run_folder)
    running = lock is None
    owner = owner_of(run_folder)
    for signal_, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience
        if lock is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(owner, signal_)
        while lock is None and time.monotonic() < deadline:
            time.sleep(0.1)
            lock = take_lock(run_folder)
    if lock is None:
        raise LocalError(f"Process {owner} does not end; end it yourself.")
    ended = end_leftover(run_folder / "ministack.pid")
    lock.close()
    return running or ended


def answers(port: int) -> bool:
    """Whether the emulator at `port` reports that it is healthy."""
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", HEALTH)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end_group(leader: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Terminate a process group, then kill it. Its state is in memory only and may be lost."""
    for signal_, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal_)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if process is not None:
                process.poll()
            if not group_lives(leader):
                return
            time.sleep(0.02)


def group_lives(leader: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS also answers this for a group that has only a zombie left.
        return sys.platform != "darwin"
    return True


def end_leftover(pid_file: Path) -> bool:
    """End an emulator that an earlier program left behind; True if there was one."""
    try:
        leader = int(pid_file.read_text())
    except (OSError, ValueError):
        return False
    pid_file.unlink(missing_ok=True)
    # Process ids are reused: end the process only if it is our emulator.
    if "local.emulator" not in command_of(leader):
        return False
    end_group(leader)
    return True


def command_of(pid: int) -> str:
    """The command line of a process; empty if it does not exist."""
    with contextlib.suppress(OSError):
        return (
            Path(f"/proc/{pid}/cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode("utf-8", "replace")
        )
    if Path("/proc/self").exists():
        return ""
    listing = subprocess.run(
        ["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False
    )
    return listing.stdout
