"""The JSON Schemas of the files that people write, generated from the models that parse them."""

import json
from typing import Any

from pydantic import BaseModel

from milepost.publishing.settings_file import SettingsFile
from milepost.segments.file import ScoringFile, SegmentFile
from milepost.simulator.file import WorkflowTests
from milepost.transfer.imports.file import ImportFile
from milepost.workflows.language.workflow import Workflow

FILES: dict[str, type[BaseModel]] = {
    "workflow": Workflow,
    "segment": SegmentFile,
    "scoring": ScoringFile,
    "settings": SettingsFile,
    "test": WorkflowTests,
    "import": ImportFile,
}
"""The kinds of files by name."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]


def schema(model: type[BaseModel]) -> Json:
    """The schema of a file. It does not require optional fields to be null."""
    document = model.model_json_schema()
    made: Json = _tidy({"$schema": DIALECT, **document})
    return made


def schema_text(model: type[BaseModel]) -> str:
    """The schema as a file holds it."""
    return json.dumps(schema(model), indent=2, ensure_ascii=False) + "\n"


def _tidy(part: Any) -> Any:
    """Drop what does not help a reader: null for optional fields, and OpenAPI's discriminator."""
    if isinstance(part, list):
        return [_tidy(each) for each in part]
    if not isinstance(part, dict):
        return part
    tidy = {key: _tidy(value) for key, value in part.items() if key != "discriminator"}
    choices = tidy.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        choices.remove({"type": "null"})
        if len(choices) == 1:
            del tidy["anyOf"]
            tidy = choices[0] | tidy
    if tidy.get("default", ...) is None:
        del tidy["default"]
    return tidy
