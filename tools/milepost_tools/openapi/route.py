"""One route of the API, as its description tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

Access = Literal["store", "platform", "anyone"]
"""Who may call: the store with its keys, a shop platform with its secret, or whoever has the link.
"""

HTML = "text/html"
JSON = "application/json"


@dataclass(frozen=True)
class Route:
    """A route of the template, `POST /v1/{store}/events`, with a `name` of its own for clients.

    `answers` maps a status to the model of its body, to several media types with a model each
    (None: no model), or to None if there is no body. `errors` are statuses whose body is an error.
    `body` maps media types to models, where there is not one of JSON. `repeats` says that an
    Idempotency-Key is understood.
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
        """Every model that a body of this route names."""
        answered = [m for status in self.answers for m in self.media(status).values() if m]
        return [*self.bodies().values(), *answered]
