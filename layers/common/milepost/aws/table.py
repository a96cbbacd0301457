"""A DynamoDB table in plain Python values. It translates AWS errors."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


Item = dict[str, Any]

_LATER = frozenset(
    {
        "InternalServerError", "LimitExceededException", "ProvisionedThroughputExceededException",
        "RequestLimitExceeded", "ServiceUnavailable", "ThrottlingException",
        "TransactionConflictException", "TransactionInProgressException",
    }
)  # fmt: skip
_TRANSIENT_REASONS = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)

MAX_TRIES = 5
"""How often to request unprocessed keys again, after a pause that doubles each time."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def pack(values: Mapping[str, Any]) -> Item:
    """Python values as attribute values, without None."""
    return {name: _serialize(value) for name, value in values.items() if value is not None}


def unpack(item: Mapping[str, Any]) -> Item:
    """Attribute values as Python values: numbers are Decimals, binaries are bytes."""
    found = {name: _deserialize(value) for name, value in item.items()}
    return {k: v.value if isinstance(v, Binary) else v for k, v in found.items()}  # type: ignore[attr-defined]


class ConditionFailedError(Exception):
    """A condition did not hold. `items` has the existing items by position, or None."""

    def __init__(self, items: Sequence[Item | None], failed: Sequence[bool]) -> None:
        super().__init__("a condition did not hold")
        self.items = items
        self.failed = failed


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            found: Any = error.response.get("Item")
            raise ConditionFailedError([unpack(found) if found else None], [True]) from error
        if code == "TransactionCanceledException":
            reasons: Sequence[Mapping[str, Any]] = error.response.get("CancellationReasons", ())
            if any(reason.get("Code") in _TRANSIENT_REASONS for reason in reasons):
                raise ThrottledError("DynamoDB: a transaction met another") from error
            raise ConditionFailedError(
                [unpack(r["Item"]) if r.get("Item") else None for r in reasons],
                [r.get("Code") == "ConditionalCheckFailed" for r in reasons],
            ) from error
        if code in _LATER:
            raise ThrottledError(f"DynamoDB: {code}") from error
        raise
    except BotoCoreError as error:
        raise ThrottledError(f"DynamoDB: {type(error).__name__}") from error


class Table:
    """One table. Conditions are DynamoDB expressions; `#name` and `:value` come as mappings."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: Item) -> Item | None:
        with _errors():
            found = self._client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        return unpack(found["Item"]) if "Item" in found else None

    def get_many(self, keys: Sequence[Item], consistent: bool = True) -> list[Item]:
        """The items that exist, in no particular order; 100 keys a request."""
        items: list[Item] = []
        pending = list(keys)
        tries = 0
        while pending:
            now, pending = pending[:100], pending[100:]
            with _errors():
                answer = self._client.batch_get_item(
                    RequestItems={self.name: {"Keys": now, "ConsistentRead": consistent}}
                )
            items.extend(unpack(item) for item in answer["Responses"].get(self.name, ()))
            rest = answer.get("UnprocessedKeys", {}).get(self.name)
            if rest:
                pending = [*rest["Keys"], *pending]
                tries += 1
                if tries > MAX_TRIES:
                    raise ThrottledError("DynamoDB: some keys stayed unread")
                time.sleep(0.02 * 2**tries)
        return items

    def query(self, **request: Any) -> Iterator[Item]:
        """All items of a key condition, page by page."""
        for page in self._pages(request):
            yield from (unpack(item) for item in page["Items"])

    def page(self, after: Item | None, **request: Any) -> tuple[list[Item], Item | None]:
        """One page of a key condition, and where it ends; None if nothing follows."""
        with _errors():
            page = self._client.query(**self._request(request, after))
        return [unpack(item) for item in page["Items"]], page.get("LastEvaluatedKey")

    def count(self, **request: Any) -> int:
        """The number of items that match a key condition."""
        return sum(page["Count"] for page in self._pages({"Select": "COUNT", **request}))

    def scan(
        self, after: Item | None = None, **request: Any
    ) -> tuple[list[Item], int, Item | None]:
        """One page of the whole table: its items, how many were read, and where it ends."""
        with _errors():
            page = self._client.scan(**self._request(request, after))
        items = [unpack(item) for item in page["Items"]]
        return items, page["ScannedCount"], page.get("LastEvaluatedKey")

    def _pages(self, request: dict[str, Any]) -> Iterator[Any]:
        request = self._request(request)
        while True:
            with _errors():
                page = self._client.query(**request)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _request(self, request: dict[str, Any], after: Item | None = None) -> dict[str, Any]:
        """A query or a scan, with `names` and `values` as boto3 expects them."""
        names, values = request.pop("names", None), request.pop("values", None)
        if names:
            request["ExpressionAttributeNames"] = names
        if values:
            request["ExpressionAttributeValues"] = pack(values)
        if after:
            request["ExclusiveStartKey"] = after
        return {"TableName": self.name, **request}

    def put(self, item: Item, condition: str = "") -> None:
        """Put an item; raise `ConditionFailedError` if the condition does not hold."""
        extra: dict[str, Any] = (
            {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
            if condition
            else {}
        )
        with _errors():
            self._client.put_item(TableName=self.name, Item=item, **extra)

    def put_new(self, item: Item) -> bool:
        """Put an item; False if its key exists."""
        try:
            self.put(item, "attribute_not_exists(pk)")
        except ConditionFailedError:
            return False
        return True

    def delete(self, key: Item) -> None:
        with _errors():
            self._client.delete_item(TableName=self.name, Key=key)

    def delete_if(
        self, key: Item, condition: str, names: Mapping[str, str], values: Mapping[str, Any]
    ) -> None:
        """Delete an item; raise `ConditionFailedError` if the condition does not hold."""
        short: dict[str, Any] = {"ExpressionAttributeNames": dict(names)} if names else {}
        with _errors():
            self._client.delete_item(
                TableName=self.name,
                Key=key,
                ConditionExpression=condition,
                ExpressionAttributeValues=pack(values),
                **short,  # DynamoDB refuses an empty one
            )

    def update(self, key: Item, **change: Any) -> Item:
        """Change an item (`expression`, `condition`, `names`, `values`) and return it."""
        with _errors():
            answer = self._client.update_item(
                Key=key, ReturnValues="ALL_NEW", **self.update_arguments(**change)
            )
        return unpack(answer.get("Attributes", {}))

    def update_arguments(
        self,
        expression: str,
        condition: str = "",
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The arguments of an update, for a request or a part of a transaction."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if expression:
            request["UpdateExpression"] = expression
        if condition:
            request["ConditionExpression"] = condition
        if names:
            request["ExpressionAttributeNames"] = dict(names)
        if values:
            request["ExpressionAttributeValues"] = pack(values)
        return request

    def transact_with_retry(self, operations: Sequence[Mapping[str, Any]], tries: int = 6) -> None:
        """One transaction; repeat it after a conflict with another, which the SDK does not do."""
        for number in range(1, tries):
            try:
                return self.transact(operations)
            except ThrottledError:
                time.sleep(0.02 * 2**number)
        return self.transact(operations)

    def transact(self, operations: Sequence[Mapping[str, Any]]) -> None:
        """One transaction; raise `ConditionFailedError` if any condition does not hold."""
        with _errors():
            self._client.transact_write_items(TransactItems=operations)  # type: ignore[arg-type]
