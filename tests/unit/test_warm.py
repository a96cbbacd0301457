import pytest

from milepost.entrypoints.warm import warm


def test_in_lambda_everything_is_built_before_the_first_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[str] = []
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "milepost-react")
    warm(lambda: built.append("one"), lambda: built.append("two"))
    assert built == ["one", "two"]


def test_elsewhere_nothing_is_built_by_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test or a tool that imports a handler has no stack to build it for."""
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)

    def build() -> None:
        raise AssertionError("built")

    warm(build)
