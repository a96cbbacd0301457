"""What describes a trigger and how it lets contacts in are two tables with one key."""

import pytest

from milepost.enrollments.trigger_types import TRIGGER_FLOWS, is_targeted_event
from milepost.workflows.trigger_type import TriggerModel, TriggerType
from milepost.workflows.triggers import TRIGGERS, type_of_trigger
from tests.support import examples


def test_every_trigger_type_has_a_row_of_its_own() -> None:
    names = {trigger.name for trigger in TRIGGERS}
    assert len(names) == len(TRIGGERS)
    assert TRIGGER_FLOWS.keys() == names


def test_what_must_be_repeated_is_a_field_of_the_trigger() -> None:
    for trigger in TRIGGERS:
        fields = {info.alias or name for name, info in trigger.model.model_fields.items()}
        assert fields.issuperset(TRIGGER_FLOWS[trigger.name].must_repeat)


def test_an_event_for_one_workflow_has_one_name() -> None:
    for model, (document, _) in examples.TRIGGERS.items():
        flow = TRIGGER_FLOWS[document["type"]]
        if flow.call:
            assert flow.event(document) == flow.event({}), model
            assert is_targeted_event(flow.event({}))
        assert flow.timing is None or flow.call is not None


@pytest.mark.parametrize("kind", TRIGGERS, ids=lambda kind: str(kind.name))
def test_a_type_is_found_by_its_triggers(kind: TriggerType[TriggerModel]) -> None:
    document, _ = examples.TRIGGERS[kind.model]
    assert type_of_trigger(kind.model.model_validate(document)) is kind
