"""Build the layer: the locked packages, the milepost package and, where possible, their bytecode.

Called by the Makefile beside it as `build.py ARTIFACTS_DIR`; fills ARTIFACTS_DIR/python, which
Lambda mounts as /opt/python. Runs on any Python from 3.11 on that has pip, and needs nothing else.
`build.py --advise` builds nothing and says what a build for Lambda would lack on this machine:
`sam build` swallows what a successful build prints.

MILEPOST_BUILD_FOR=lambda (the default) fetches wheels for the Lambda runtime, whatever machine this
is: CPython 3.13 on arm64 Linux. MILEPOST_BUILD_FOR=host builds the same layer for the interpreter
that runs this file, for the local AWS, whose workers are that interpreter.

Bytecode matters because Lambda cannot keep any: without it every cold start compiles each module it
imports, which takes two to three times as long. It is of the kind that is never checked against the
source (`unchecked-hash`), because `sam` zips files with a date of its own, and bytecode that is
checked by date would be thrown away.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAMBDA_PYTHON = "3.13"
# The runtime is Amazon Linux 2023: glibc 2.34. pip takes the tags one by one and implies none.
GLIBC_TAGS = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in range(17, 35)))
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.py[co]", ".*")
NO_BYTECODE = (
    f"The layer ships without bytecode, which makes cold starts two to three times as long: no "
    f"Python {LAMBDA_PYTHON} is at hand to compile it. Put python{LAMBDA_PYTHON} on PATH and build "
    f"again."
)


class BuildError(Exception):
    """The layer cannot be built; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Build into the folder that is the only argument, or advise; 1 when that fails."""
    if len(arguments) != 1 or not arguments[0]:
        print("usage: build.py ARTIFACTS_DIR | --advise", file=sys.stderr)
        return 1
    if arguments == ["--advise"]:
        if lambda_python() is None:
            print(NO_BYTECODE)
        return 0
    try:
        build(Path(arguments[0]), os.environ.get("MILEPOST_BUILD_FOR", "lambda"))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(artifacts: Path, build_for: str) -> None:
    """Fill `artifacts`/python for "lambda" or for "host"; what was there before is removed."""
    if build_for not in ("lambda", "host"):
        raise BuildError(f"MILEPOST_BUILD_FOR is {build_for!r}; it must be 'lambda' or 'host'.")
    target = artifacts / "python"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    install(target, build_for)
    shutil.copytree(HERE / "milepost", target / "milepost", ignore=NOT_SHIPPED)
    interpreter = sys.executable if build_for == "host" else lambda_python()
    if interpreter is None:
        print(NO_BYTECODE, file=sys.stderr)
    else:
        compile_bytecode(interpreter, target)


def install(target: Path, build_for: str) -> None:
    """Install the locked packages into `target`, as wheels whose hashes the lock file knows."""
    platform = [
        "--implementation=cp",
        f"--python-version={LAMBDA_PYTHON}",
        *(f"--platform={tag}_aarch64" for tag in GLIBC_TAGS),
    ]
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-compile", "--no-deps", "--only-binary=:all:", "--require-hashes"),
        *("--no-warn-script-location", f"--target={target}"),
        *(platform if build_for == "lambda" else ()),
        f"--requirement={HERE / 'requirements.txt'}",
    ]
    if subprocess.run(command, check=False).returncode != 0:
        raise BuildError("pip could not install the layer's packages; its own words are above.")
    shutil.rmtree(target / "bin", ignore_errors=True)


def lambda_python() -> str | None:
    """A command that runs the runtime's version of Python, or None."""
    return next((name for name in candidates() if version_of(name) == LAMBDA_PYTHON), None)


def candidates() -> Iterator[str]:
    """The interpreters worth asking: this one, then the one that bears the name."""
    yield sys.executable
    yield f"python{LAMBDA_PYTHON}"


def version_of(interpreter: str) -> str | None:
    """`major.minor` of a CPython, or None where the command is missing or is only a shim."""
    question = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [interpreter, "-I", "-c", question], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    name, _, version = answer.stdout.strip().partition(" ")
    return version if answer.returncode == 0 and name == "cpython" else None


def compile_bytecode(interpreter: str, target: Path) -> None:
    """Compile all under `target`, with the paths of the runtime and the same bytes every time."""
    command = [
        *(interpreter, "-m", "compileall", "-q", "-j", "0"),
        *("--invalidation-mode", "unchecked-hash", "-s", str(target), "-p", "/opt/python"),
        str(target),
    ]
    # A fixed hash seed: the order of a set constant would otherwise change with every build.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    if subprocess.run(command, check=False, env=environment).returncode != 0:
        raise BuildError("The layer's modules do not all compile; the errors are above.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
