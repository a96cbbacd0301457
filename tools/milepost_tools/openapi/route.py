"""One route of the API, as the description shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

Access = Literal["store", "platform", "anyone"]
"""Who may call: the store with its keys, a shop platform with its secret, or the holder of a link.
"""

HTML = "text/html"
JSON = "application/json"


@dataclass(frozen=True)
class Route:
    """A route of the template, such as `POST /v1/{store}/events`, and its operation `name`.

    `answers` maps a status to the model of its body; to several media types with a model each
    (None: no model); or to None if it has no body. `errors` are statuses whose body is an error.
    `body` maps media types to models, if it is not one JSON model. `repeats` means that the route
    accepts an Idempotency-Key.
    """

    key: str
    name: str
    tag: str
    says: str
    answers: Mapping[int, type[BaseModel] | Mapping[str, type[BaseModel] | None] | None]
    errors: Sequence[int] = ()
    body: type[BaseModel] | Mapping[str, type[BaseModel]] | None = None
    query: type[BaseModel] | None = None
    access: Access = "store"
    repeats: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0].lower()

    @property
    def path(self) -> str:
        return self.key.partition(" ")[2]

    def bodies(self) -> Mapping[str, type[BaseModel]]:
        if self.body is None:
            return {}
        return self.body if isinstance(self.body, Mapping) else {JSON: self.body}

    def media(self, status: int) -> Mapping[str, type[BaseModel] | None]:
        """The media types of a success, each with its model."""
        answer = self.answers[status]
        if answer is None:
            return {}
        return answer if isinstance(answer, Mapping) else {JSON: answer}

    def models(self) -> list[type[BaseModel]]:
        """Every model that a body of this route uses."""
        answered = [m for status in self.answers for m in self.media(status).values() if m]
        return [*self.bodies().values(), *answered]
