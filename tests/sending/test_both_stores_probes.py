"""The contract of `ProbeNotes`, in memory and in DynamoDB."""

from tests.support.builders import MONDAY_NOON
from tests.support.ports import Ports

PROBE = "0123456789abcdef-bounce"


def test_every_kind_of_probe_event_is_stored_once(ports: Ports) -> None:
    assert [*ports.probes.reports(PROBE)] == []
    for kind in ("sent", "bounced", "sent"):
        ports.probes.record_report(PROBE, kind, MONDAY_NOON)
    assert [*ports.probes.reports(PROBE)] == ["bounced", "sent"]


def test_each_probe_has_its_own_events(ports: Ports) -> None:
    ports.probes.record_report(PROBE, "sent", MONDAY_NOON)
    assert [*ports.probes.reports("f" * 16 + "-bounce")] == []
