"""The script of the demo: what the shop and its customers do, and the expected results."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.demo.inbox import Inbox
from local.demo.ledger import Ledger
from local.demo.shop import Shop
from local.demo.shoppers import CAST, WELCOME, Shopper
from local.errors import LocalError

_PAUSE = 0.3
_SETTLE_TIME = 2.0


@dataclass(frozen=True, slots=True)
class Story:
    """Plays the script. `now` is virtual time; `patience` is in real seconds for each reaction."""

    shop: Shop
    inbox: Inbox
    ledger: Ledger
    now: Callable[[], datetime]
    patience: float = 120

    def play(self) -> None:
        """Let all shoppers act, and wait until no enrollment is active."""
        noor, lina, _, _, ines, theo, wei = CAST
        self.shop.opens_account(wei, self.now())
        self._first_mail(wei)  # by now every function has had its cold start
        for shopper in CAST:
            if WELCOME not in shopper.endings:
                report = self.shop.begins_checkout(shopper, self.now())
                if shopper is theo:
                    self.shop.repeats("checkouts/create", report, self.now())
                    self.shop.repeats("checkouts/create", report, self.now())
        self._first_mail(noor)
        self.shop.takes_order(noor, self.now())
        self.inbox.clicks(self._first_mail(lina), "/checkouts/")
        self.inbox.unsubscribes(self._first_mail(ines))
        self._until(lambda: all(self._is_over(shopper) for shopper in CAST), "the story to end")

    def differences(self) -> list[str]:
        """The differences between the actual and the expected results."""
        found: list[str] = []
        deadline = time.monotonic() + _SETTLE_TIME
        while (found := list(self._differences())) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        return found

    def _differences(self) -> Iterator[str]:
        for shopper in CAST:
            actual = list(self.ledger.endings(shopper))
            if [workflow for workflow, _ in actual] != list(shopper.endings):
                yield f"{shopper.name} was enrolled in {[workflow for workflow, _ in actual]}"
                continue
            for workflow, ending in actual:
                expected = shopper.endings[workflow]
                if expected != ending:
                    yield f"{shopper.name} in {workflow}: expected {expected}, got {ending}"
            mails = len(self.inbox.mails_of(shopper))
            expected_mails = sum(len(ending.sent) for ending in shopper.endings.values())
            if mails != expected_mails:
                yield f"{shopper.name} got {mails} mails, expected {expected_mails}"

    def _first_mail(self, shopper: Shopper) -> dict[str, Any]:
        self._until(lambda: bool(self.inbox.mails_of(shopper)), f"{shopper.name}'s first mail")
        return self.inbox.mails_of(shopper)[0]

    def _is_over(self, shopper: Shopper) -> bool:
        endings = list(self.ledger.endings(shopper))
        return bool(endings) and all(ending.status != "active" for _, ending in endings)

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self.patience
        while not holds():
            if time.monotonic() > deadline:
                raise LocalError(f"Waited {self.patience:.0f} s for {what}.")
            time.sleep(_PAUSE)
