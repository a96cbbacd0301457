"""The progress of imports and exports: one small item each, in the workflows table."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.transfer.exports.progress import Export
from milepost.transfer.imports.progress import Import

Transfer = TypeVar("Transfer", Import, Export)


@dataclass(frozen=True, slots=True)
class _Items(Generic[Transfer]):
    """Imports or exports. Every save increases `call_no`."""

    table: Table
    kind: ClassVar[str]
    model: ClassVar[Any]

    def begin(self, new: Transfer) -> Transfer:
        key = keys.transfer(new.store, self.kind, new.id)
        added = self.table.put_new(key | pack({"state": _text(new), "call_no": new.call_no}))
        return new if added else self.load(new.store, new.id) or new

    def load(self, store: str, id_: str, /) -> Transfer | None:
        item = self.table.get(keys.transfer(store, self.kind, id_))
        found: Transfer | None = self.model.from_json(json.loads(item["state"])) if item else None
        return found

    def save(self, before: Transfer, after: Transfer) -> bool:
        try:
            self.table.update(
                keys.transfer(before.store, self.kind, before.id),
                expression="SET #state = :state, call_no = :call",
                condition="call_no = :before",
                names={"#state": "state"},
                values={
                    ":state": _text(after),
                    ":call": after.call_no,
                    ":before": before.call_no,
                },
            )
        except ConditionFailedError:
            return False
        return True


def _text(transfer: Import | Export) -> str:
    return json.dumps(transfer.to_json(), ensure_ascii=False, separators=(",", ":"))


class DynamoImports(_Items[Import]):
    """Implements `Imports`."""

    kind = "IMPORT"
    model = Import


class DynamoExports(_Items[Export]):
    """Implements `Exports`."""

    kind = "EXPORT"
    model = Export
