"""The contract of the ports for published state and for the store's bucket."""

from dataclasses import replace
from datetime import timedelta

import pytest

from milepost.enrollments.program import Program
from milepost.published.dynamodb import DynamoPublished
from milepost.published.head import LiveWorkflow, PublishedState
from milepost.publishing.dynamodb import DynamoPublishedWriter
from milepost.stores.settings import StoreSettings
from milepost.templates.compile import compile_template
from milepost.templates.version import TemplateVersion
from tests.support.builders import MONDAY_NOON, STORE, settings, template
from tests.support.ports import Cloud, Ports

PROGRAM = Program("cart", 1, {"title": "Warenkorb 🛒"}, {"a": {"id": "a", "type": "exit"}}, "a")
LIVE = LiveWorkflow(1, "arn:1", "live")


def compiled() -> TemplateVersion:
    files = {path.rpartition("/")[2]: str(content) for path, content in template("plain").items()}
    version = compile_template("plain", files, {}, "en", ["en"])
    assert isinstance(version, TemplateVersion)
    return version


def test_nothing_is_live_at_first(ports: Ports) -> None:
    assert ports.registry.head(STORE) == ports.publications.head(STORE)
    assert ports.registry.head(STORE) == PublishedState(StoreSettings(), {}, {})


def test_last_applied_settings_are_live(ports: Ports) -> None:
    ports.publications.apply_settings(STORE, settings(name="Old"))
    ports.publications.apply_settings(STORE, settings(locales=["en", "fa"]))
    assert ports.registry.head(STORE).settings == StoreSettings.from_json(
        settings(locales=["en", "fa"])
    )


def test_stored_program_is_read_unchanged(ports: Ports) -> None:
    ports.publications.save_program(STORE, PROGRAM, "source-1")
    assert ports.registry.program(STORE, "cart", 1) == PROGRAM
    assert ports.publications.program(STORE, "cart", 1) == PROGRAM
    assert ports.publications.source(STORE, "cart", 1) == "source-1"


def test_versions_of_program_are_separate(ports: Ports) -> None:
    second = replace(PROGRAM, version=2, entry="b")
    ports.publications.save_program(STORE, PROGRAM, "source-1")
    ports.publications.save_program(STORE, second, "source-2")
    assert ports.registry.program(STORE, "cart", 1) == PROGRAM
    assert ports.registry.program(STORE, "cart", 2) == second


def test_version_belongs_to_its_source(ports: Ports) -> None:
    assert ports.publications.save_program(STORE, PROGRAM, "source-1")
    assert ports.publications.save_program(STORE, PROGRAM, "source-1")
    assert not ports.publications.save_program(STORE, replace(PROGRAM, entry="b"), "source-2")
    assert ports.registry.program(STORE, "cart", 1) == PROGRAM


def test_unpublished_version_raises_lookup_error(ports: Ports) -> None:
    with pytest.raises(LookupError):
        ports.registry.program(STORE, "cart", 1)
    with pytest.raises(LookupError):
        ports.registry.template(STORE, "plain", "0123456789abcdef")
    assert ports.publications.source(STORE, "cart", 1) == ""


def test_template_version_stays_after_newer_version_and_removal(ports: Ports) -> None:
    first, live = compiled(), replace(compiled(), hash="f" * 16)
    for version in (first, live):
        ports.publications.keep_template(STORE, version)
        ports.publications.show_template(STORE, "plain", version.hash)
    ports.publications.hide_template(STORE, "plain")
    for version in (first, live):
        kept = ports.publications.template(STORE, "plain", version.hash)
        assert kept.to_bytes() == version.to_bytes()
        assert ports.registry.template(STORE, "plain", version.hash).version.hash == version.hash
    with pytest.raises(LookupError, match="template plain version 0123456789abcdef"):
        ports.publications.template(STORE, "plain", "0123456789abcdef")


def test_one_of_two_concurrent_publishes_goes_live(ports: Ports) -> None:
    assert ports.publications.go_live(STORE, "cart", LIVE, 0)
    assert not ports.publications.go_live(STORE, "cart", LIVE._replace(machine="arn:2"), 0)
    assert ports.publications.go_live(STORE, "cart", LiveWorkflow(2, "arn:2", "paused"), 1)
    assert not ports.publications.go_live(STORE, "cart", LiveWorkflow(2, "arn:3", "live"), 1)
    assert ports.registry.head(STORE).workflows == {"cart": LiveWorkflow(2, "arn:2", "paused")}


def test_status_of_live_version_can_change(ports: Ports) -> None:
    ports.publications.go_live(STORE, "cart", LIVE, 0)
    assert ports.publications.go_live(STORE, "cart", LIVE._replace(status="archived"), 1)
    assert ports.registry.head(STORE).workflows["cart"].status == "archived"


def test_stored_template_renders_like_compiled_one(ports: Ports) -> None:
    version = compiled()
    ports.publications.keep_template(STORE, version)
    assert ports.publications.template(STORE, "plain", version.hash) == version
    context = {
        "contact": {"properties": {}},
        "event": {},
        "store": {"postal_address": "27 Lane"},
        "urls": {"unsubscribe": "https://x.example/u"},
        "now": "2026-11-02T12:00:00.000Z",
    }
    rendered = ports.registry.template(STORE, "plain", version.hash).render(context, None)
    assert rendered.subject == "About plain"
    assert "https://x.example/u" in rendered.html


def test_templates_go_live_are_replaced_and_removed(ports: Ports) -> None:
    ports.publications.show_template(STORE, "a", "1")
    ports.publications.show_template(STORE, "b", "1")
    ports.publications.show_template(STORE, "a", "2")
    ports.publications.hide_template(STORE, "b")
    ports.publications.hide_template(STORE, "never-there")
    assert ports.registry.head(STORE).templates == {"a": "2"}


def test_rejected_files_are_stored_until_accepted(ports: Ports) -> None:
    for path in ("workflows/b.json", "workflows/a.json", "templates/x"):
        ports.publications.record_refusal(STORE, path, True)
    ports.publications.record_refusal(STORE, "workflows/b.json", False)
    ports.publications.record_refusal(STORE, "workflows/never.json", False)
    assert ports.publications.all_refused(STORE) == ["templates/x", "workflows/a.json"]


def test_store_does_not_see_files_of_other_store(ports: Ports) -> None:
    ports.publications.save_program("other", PROGRAM, "source-1")
    ports.publications.go_live("other", "cart", LIVE, 0)
    ports.publications.record_refusal("other", "workflows/a.json", True)
    assert ports.registry.head(STORE).workflows == {}
    assert ports.publications.all_refused(STORE) == []
    with pytest.raises(LookupError):
        ports.registry.program(STORE, "cart", 1)


# --- the bucket ---


def test_file_is_read_as_written(ports: Ports) -> None:
    ports.files.write(STORE, "workflows/a.json", "old")
    ports.files.write(STORE, "workflows/a.json", "سبد خرید\n")
    assert ports.files.read(STORE, "workflows/a.json") == "سبد خرید\n"
    assert ports.files.read(STORE, "workflows/b.json") is None
    assert ports.files.read("other", "workflows/a.json") is None


def test_folder_lists_only_its_direct_files(ports: Ports) -> None:
    for path in ("t/a/x.txt", "t/a/y.txt", "t/a/deep/z.txt", "t/ab/x.txt", "t/a.txt"):
        ports.files.write(STORE, path, f"text of {path}")
    assert ports.files.folder(STORE, "t/a") == {
        "x.txt": "text of t/a/x.txt",
        "y.txt": "text of t/a/y.txt",
    }
    assert ports.files.folder(STORE, "t/none") == {}


def test_paths_lists_all_files_below_folder_in_order(ports: Ports) -> None:
    for path in ("t/b.txt", "t/a/deep/z.txt", "t/a/x.txt", "tt/c.txt"):
        ports.files.write(STORE, path, "")
    assert ports.files.paths(STORE, "t") == ["t/a/deep/z.txt", "t/a/x.txt", "t/b.txt"]


def test_version_belongs_to_first_file_with_its_number(ports: Ports) -> None:
    other = replace(PROGRAM, entry="b")
    assert ports.publications.save_program(STORE, PROGRAM, "source-1")
    assert ports.publications.save_program(STORE, PROGRAM, "source-1")
    assert not ports.publications.save_program(STORE, other, "source-2")
    assert ports.publications.program(STORE, "cart", 1) == PROGRAM


def test_head_is_cached_for_half_a_minute_unless_read_anew(aws: Cloud) -> None:
    table, now, names = aws.table("WorkflowsTable"), [MONDAY_NOON], []
    registry = DynamoPublished(table, lambda: now[0])
    for number, second in enumerate((0, 29, 29, 58, 59)):
        now[0] = MONDAY_NOON + timedelta(seconds=second)
        DynamoPublishedWriter(table).apply_settings(STORE, settings(name=f"Shop {number}"))
        names.append(registry.head(STORE, anew=number == 2).settings.name)
    assert names == ["Shop 0", "Shop 0", "Shop 2", "Shop 2", "Shop 4"]
