"""What the source must not contain, found by parsing it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.template import ROOT

LAYER = ROOT / "layers" / "common" / "milepost"
HANDLERS = sorted(ROOT.glob("functions/*/app.py"))
TOOLS = ROOT / "tools" / "milepost_tools"
SOURCES = [*sorted(LAYER.rglob("*.py")), *sorted(TOOLS.rglob("*.py")), *HANDLERS]


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def called(path: Path) -> Iterator[str]:
    """The last name of everything that is called: `client.send_email(...)` is `send_email`."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(attr=name) | ast.Name(id=name):
                    yield name


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def holders(name: str) -> list[str]:
    """The modules that call a function of this name."""
    return [
        str(path.relative_to(ROOT)) for path in SOURCES for each in called(path) if each == name
    ]


def test_source_files_are_found() -> None:
    assert len(SOURCES) > 60
    assert len(HANDLERS) > 9


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("send_email", ["layers/common/milepost/sending/aws.py"]),
        ("send_bulk_email", []),
        ("send_raw_email", []),
        ("send_templated_email", []),
        ("SesMailer", ["layers/common/milepost/wiring/sending.py"]),
        ("eval", []),
        ("exec", []),
        ("system", []),
        ("Popen", []),
        ("create_access_key", []),
    ],
)
def test_dangerous_call_is_only_in_listed_places(name: str, places: list[str]) -> None:
    assert holders(name) == places


def test_dangerous_call_is_not_hidden_in_a_string() -> None:
    """`getattr(client, "send_email")` would be a second call site."""
    texts = {
        (path.name, node.value)
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    table, runners, file = "program.py", "__init__.py", "send_email.py"
    stand_in = "partial_parse.py"  # for a step that cannot be parsed
    assert {name for name, value in texts if value == "send_email"} == {
        table, runners, file, stand_in,
    }  # fmt: skip
    assert {name for name, value in texts if value == "SendEmail"} == set()


def test_mailer_is_called_once_after_the_claim() -> None:
    """One gate, one ledger, one submission: all messages go through `Sender._submit`."""
    path = LAYER / "sending" / "send.py"
    tree = ast.parse(path.read_text("utf-8"))
    uses = [
        (function.name, node.func.attr)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr == "mailer"
    ]
    assert uses == [("_submit", "send")]
    submits = [name for name in called(path) if name == "_submit"]
    assert len(submits) == 2, "the first try and the one second try"


def test_other_mailer_callers_send_only_test_mails() -> None:
    """Test mails need no gate: `milepost send-test` takes one address, an identity of the account,
    and `milepost doctor` sends to SES's simulator."""
    callers = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == "send"
        if isinstance(node.value, ast.Attribute) and node.value.attr == "mailer"
    ]
    assert callers == [
        "layers/common/milepost/sending/send.py",
        "tools/milepost_tools/operations/test_send.py",
        "tools/milepost_tools/operations/test_send.py",
    ]
    users = [path for path in SOURCES if "milepost_tools.operations.test_send" in imported(path)]
    assert {path.relative_to(ROOT).as_posix() for path in users} == {
        "tools/milepost_tools/wiring.py",
        "tools/milepost_tools/cli/send_test.py",
    }


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.parent.name)
def test_function_file_only_imports_its_handler(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 25
    assert all(name.startswith("milepost.handlers.") for name in imported(path))
    assert not [node for node in nodes(path) if isinstance(node, ast.If | ast.For | ast.While)]
    assert "environ" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_edges_and_wiring_import_boto3(path: Path) -> None:
    knows = {name.partition(".")[0] for name in imported(path)} & {"boto3", "botocore"}
    rooms = {"aws", "dynamodb", "wiring", "milepost_tools"}
    assert not knows or rooms & {*path.with_suffix("").relative_to(ROOT).parts}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_environment_is_read_in_one_place(path: Path) -> None:
    reads = any(
        isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        for node in nodes(path)
    )
    starts = {LAYER / "handlers" / name for name in ("__init__.py", "cold_start.py")}
    command = TOOLS / "cli" / "app.py"  # it turns off pydantic's search for plugins
    allowed = {LAYER / "wiring" / "environment.py", command, *starts}
    assert not reads or path in allowed


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_keys_and_digests_are_compared_in_constant_time(path: Path) -> None:
    """The duration of an `==` comparison reveals how much of a guess was right."""
    suspicious = {"signature", "digest", "secret", "hmac", "expected", "genuine"}
    for node in nodes(path):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [node.left, *node.comparators]
            names = {side.id for side in sides if isinstance(side, ast.Name)}
            names |= {side.attr for side in sides if isinstance(side, ast.Attribute)}
            assert not names & suspicious, ast.unparse(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_our_own_bytecode_is_unmarshaled(path: Path) -> None:
    names = set(imported(path))
    assert not names & {"pickle", "shelve", "dill"}
    if "marshal" in names:
        assert path.is_relative_to(LAYER / "templates"), path


def test_no_log_line_contains_a_whole_event() -> None:
    """Log fields are named one by one in `extra`, never a document that may contain anything."""
    for path in SOURCES:
        for node in nodes(path):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "logger"
            ):
                assert len(node.args) == 1, ast.unparse(node)
                assert isinstance(node.args[0], ast.Constant | ast.Attribute), ast.unparse(node)
                assert {keyword.arg for keyword in node.keywords} <= {"extra"}, ast.unparse(node)
