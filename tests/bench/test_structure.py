"""What `make structure` counts: modules that run, and files that name an example."""

import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from bench.structure import EXCLUDED, LAYER
from bench.structure.mentions import Example, find_mentions
from bench.structure.paths import EVENT_TO_MAIL, OPENED_MAIL, PUBLISH, trace_paths
from bench.structure.tracing import Trace, empty_caches, import_all

PACKAGE = "toy_shop_of_test_structure"
FILES = {
    "__init__": "",
    "wiring": f"""
        def build():
            from {PACKAGE}.rooms.unused import nothing
            return nothing
    """,
    "start": f"""
        from {PACKAGE} import wiring
        from {PACKAGE}.rooms.data import Data, numbers

        def go():
            wiring.build()
            return sum(numbers(Data(2)))

        def not_called():
            return 0
    """,
    "rooms/__init__": "",
    "rooms/data": f"""
        from dataclasses import dataclass
        from {PACKAGE}.rooms.price import price

        @dataclass
        class Data:
            amount: int

            @property
            def twice(self):
                return [self.amount, self.amount]

        def numbers(data):
            yield from (price(each) for each in data.twice)
    """,
    "rooms/price": """
        from functools import cache

        @cache
        def price(number):
            return number * 10
    """,
    "rooms/unused": """
        class Unused:
            value = 1

        nothing = Unused.value
    """,
}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a small package that can be imported."""
    for name, text in FILES.items():
        file = tmp_path / PACKAGE / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(dedent(text), "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def go() -> int:
    found: int = importlib.import_module(f"{PACKAGE}.start").go()
    return found


def test_module_counts_if_one_of_its_functions_runs(toy: Path) -> None:
    trace = Trace(toy, PACKAGE)
    with trace.running():
        assert go() == 40
    assert trace.functions == {
        f"{PACKAGE}.start": ["go"],
        f"{PACKAGE}.wiring": ["build"],
        f"{PACKAGE}.rooms.data": ["numbers", "Data.twice"],
        f"{PACKAGE}.rooms.price": ["price"],
    }


def test_excluded_module_counts_neither_as_module_nor_as_jump(toy: Path) -> None:
    import_all(PACKAGE)
    with_wiring, without = Trace(toy, PACKAGE), Trace(toy, PACKAGE, frozenset({"wiring"}))
    for trace in (with_wiring, without):
        empty_caches(PACKAGE)
        with trace.running():
            go()
    assert set(with_wiring.modules) - set(without.modules) == {f"{PACKAGE}.wiring"}
    assert with_wiring.jumps - without.jumps == 1


def test_cached_function_runs_again_after_caches_are_emptied(toy: Path) -> None:
    assert go() == 40
    kept, new = Trace(toy, PACKAGE), Trace(toy, PACKAGE)
    with kept.running():
        go()
    empty_caches(PACKAGE)
    with new.running():
        go()
    assert set(new.modules) - set(kept.modules) == {f"{PACKAGE}.rooms.price"}


def test_module_run_in_another_thread_counts(toy: Path) -> None:
    import_all(PACKAGE)
    trace = Trace(toy, PACKAGE)
    with trace.running():
        thread = threading.Thread(target=go)
        thread.start()
        thread.join()
    assert trace.modules[0] == f"{PACKAGE}.start"
    assert len(trace.modules) == 4


def test_calls_outside_the_trace_do_not_count(toy: Path) -> None:
    trace = Trace(toy, PACKAGE)
    with trace.running():
        pass
    go()
    assert (trace.functions, trace.jumps) == ({}, 0)


def test_each_path_runs_from_its_handler_to_the_end() -> None:
    traces = trace_paths()
    ends = {EVENT_TO_MAIL: "SesMailer.send", OPENED_MAIL: "StepFunctionsEngine.complete_task"}
    starts = {EVENT_TO_MAIL: "trigger_event", OPENED_MAIL: "trigger_email", PUBLISH: "publish"}
    for path, (first, again) in traces.items():
        assert any(module.endswith(f".{starts[path]}") for module in first.modules[:3])
        assert set(again.modules) <= set(first.modules)
        assert not any(set(module.split(".")) & EXCLUDED for module in first.modules)
        ran = [name for names in first.functions.values() for name in names]
        assert path == PUBLISH or ends[path] in ran


def test_files_whose_code_names_the_example_are_counted(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    files = {
        "by_text": "KINDS = {'sms': 1}",
        "in_a_text": "CASE = 'type=sms'",
        "by_name": "def sms(): ...",
        "by_class": "class SendSms: ...",
        "by_import": "from somewhere.sms import send",
        "by_keyword": "dict(sms=1)",
        "only_a_part_of_a_word": "sms_of = 'smsx'",
        "only_a_comment": "x = 1  # no sms",
        "only_a_docstring": '"""No sms."""\ndef f():\n    """No sms."""',
        "sms/one": "sms = 1",
        "sms/two": "sms = 2",
    }
    for name, text in files.items():
        file = layer / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    template = tmp_path / "template.yaml"
    template.write_text("Sms: 1\n# sms\n", "utf-8")
    example = Example("channel", "sms|SendSms", own="sms")
    named = ["by_class.py", "by_import.py", "by_keyword.py", "by_name.py", "by_text.py"]
    assert find_mentions(example, [layer], template) == [*named, "in_a_text.py", "sms"]
    template.write_text("Path: /webhooks/sms\n", "utf-8")
    assert find_mentions(example, [layer], template)[-1] == "template.yaml"


def test_missing_example_raises_lookup_error(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.touch()
    with pytest.raises(LookupError, match="no file names the channel fax"):
        find_mentions(Example("channel", "fax"), [tmp_path], template)


def test_excluded_room_exists() -> None:
    rooms = {path.stem for path in (LAYER / "milepost").iterdir()}
    assert EXCLUDED & rooms
