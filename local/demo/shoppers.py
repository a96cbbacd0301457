"""The shoppers of the demo and the expected result for each."""

from dataclasses import dataclass, field

STORE = "demo"
CART = "abandoned-cart"
WELCOME = "welcome"


@dataclass(frozen=True, slots=True)
class Ending:
    """The expected result of a shopper's enrollment in one workflow.

    `sent` and `skipped` name the steps whose e-mail was sent or skipped, in order.
    """

    status: str
    reason: str = ""
    sent: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shopper:
    """One shopper of the demo."""

    name: str
    family: str
    email: str
    locale: str
    color: str
    does: str
    number: int
    endings: dict[str, Ending] = field(default_factory=dict)


_SERIES = ("reminder", "second-reminder", "last-call")

CAST = (
    Shopper(
        "Noor", "Haddad", "noor.haddad@example.com", "en-CA", "green", "buys after the first mail",
        1, {CART: Ending("exited", "goal reached", ("reminder",))},
    ),
    Shopper(
        "Lina", "Mansour", "lina.mansour@example.com", "ar", "cyan", "clicks and comes back",
        2, {CART: Ending("exited", "came back", ("reminder",))},
    ),
    Shopper(
        "Dara", "Karimi", "dara.karimi@example.com", "fa-IR", "yellow", "never answers",
        3, {CART: Ending("completed", "", _SERIES)},
    ),
    Shopper(
        "Bo", "Lindqvist", "bounce+bo@simulator.amazonses.com", "en", "red", "has a dead address",
        4, {
            CART: Ending(
                "completed", "", ("reminder",),
                (
                    ("second-reminder", "suppressed: hard bounce"),
                    ("last-call", "suppressed: hard bounce"),
                ),
            )
        },
    ),
    Shopper(
        "Ines", "Duarte", "ines.duarte@example.com", "en", "magenta", "unsubscribes with one click",
        5, {
            CART: Ending(
                "completed", "", ("reminder",),
                (("second-reminder", "consent withdrawn"), ("last-call", "consent withdrawn")),
            )
        },
    ),
    Shopper(
        "Theo", "Novak", "theo.novak@example.com", "en", "blue", "is reported three times",
        6, {CART: Ending("completed", "", _SERIES)},
    ),
    Shopper(
        "Wei", "Chen", "wei.chen@example.com", "zh-TW", "bright_white", "opens an account",
        7, {WELCOME: Ending("completed", "", ("hello", "best-of"))},
    ),
)  # fmt: skip
