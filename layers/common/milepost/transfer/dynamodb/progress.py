"""The progress of imports and exports: one small item each, in the workflows table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.transfer.exports.progress import Export
from milepost.transfer.imports.progress import Import


@dataclass(frozen=True, slots=True)
class _Items:
    """Documents with `call_no`, which grows by one with every change."""

    table: Table
    kind: str

    def begin(self, store: str, id_: str, document: Mapping[str, Any]) -> bool:
        key = keys.transfer(store, self.kind, id_)
        values = {"state": _text(document), "call_no": document["call_no"]}
        return self.table.put_new(key | pack(values))

    def load(self, store: str, id_: str) -> dict[str, Any] | None:
        item = self.table.get(keys.transfer(store, self.kind, id_))
        document: dict[str, Any] | None = json.loads(item["state"]) if item else None
        return document

    def save(self, store: str, id_: str, call_no: int, document: Mapping[str, Any]) -> bool:
        try:
            self.table.update(
                keys.transfer(store, self.kind, id_),
                expression="SET #state = :state, call_no = :call",
                condition="call_no = :before",
                names={"#state": "state"},
                values={
                    ":state": _text(document),
                    ":call": document["call_no"],
                    ":before": call_no,
                },
            )
        except ConditionFailedError:
            return False
        return True


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


class DynamoImports:
    """Implements `Imports`."""

    def __init__(self, table: Table) -> None:
        self._items = _Items(table, "IMPORT")

    def begin(self, new: Import) -> Import:
        kept = self._items.begin(new.store, new.id, new.to_json())
        return new if kept else self.load(new.store, new.id) or new

    def load(self, store: str, import_id: str) -> Import | None:
        document = self._items.load(store, import_id)
        return Import.from_json(document) if document else None

    def save(self, before: Import, after: Import) -> bool:
        return self._items.save(before.store, before.id, before.call_no, after.to_json())


class DynamoExports:
    """Implements `Exports`."""

    def __init__(self, table: Table) -> None:
        self._items = _Items(table, "EXPORT")

    def begin(self, new: Export) -> Export:
        kept = self._items.begin(new.store, new.id, new.to_json())
        return new if kept else self.load(new.store, new.id) or new

    def load(self, store: str, export_id: str) -> Export | None:
        document = self._items.load(store, export_id)
        return Export.from_json(document) if document else None

    def save(self, before: Export, after: Export) -> bool:
        return self._items.save(before.store, before.id, before.call_no, after.to_json())
