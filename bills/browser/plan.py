"""What the browser side is given and hands back, as plain values: no ORM, no settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import datetime
    from collections.abc import Awaitable, Callable
    from decimal import Decimal
    from pathlib import Path

    from bills.browser.visit import Visit
    from bills.portals.logins.totp import Totp
    from bills.portals.recipe_schema import Recipe


LONGEST_ADDRESS = 4_000  # characters of a document's; a page can write any number


@dataclass(frozen=True, slots=True)
class BillKey:
    """All that a list shows of a bill that tells it from others.

    Whether two keys are of one bill, `bills.accounting` judges: a number alone does not decide.
    `date_text` is how the list writes the date; `document` the address of the bill's document.
    Make it with `of`.
    """

    number: str = ""
    date: datetime.date | None = None
    amount: Decimal | None = None
    contract: str = ""
    date_text: str = ""
    document: str = ""

    @classmethod
    def of(
        cls, number: str, day: datetime.date | None, amount: Decimal | None,
        contract: str = "", date_text: str = "", document: str = "",
    ) -> BillKey:  # fmt: skip
        """Raises ValueError when nothing is there that tells the bill from others."""
        if not (number or day or date_text or document or amount is not None):
            raise ValueError("A bill needs a number, a date, an amount or a document.")
        return cls(number, day, amount, contract, date_text, document[:LONGEST_ADDRESS])

    def __str__(self) -> str:
        if self.number:
            return f"bill {self.number}"
        day = self.date.isoformat() if self.date else self.date_text
        shown = " ".join(str(part) for part in (day, self.amount, self.contract) if part)
        return f"the bill of {shown}" if shown else "a bill without a date"


@dataclass(frozen=True, slots=True)
class KnownBill:
    """A bill that is kept: what its list showed, and the SHA-256 of its document."""

    key: BillKey
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """One credential. `extra` are the CSV's further columns; `known_bills` is what is kept.

    `totp` makes the codes of its authenticator app. `session` is what the browser remembered of
    the portal after an earlier login (Playwright's storage state, as JSON); "" is a new browser.
    """

    email: str
    password: str = field(repr=False)
    known_bills: tuple[KnownBill, ...] = ()
    extra: dict[str, str] = field(default_factory=dict, repr=False)
    totp: Totp | None = field(default=None, repr=False)
    session: str = field(default="", repr=False)
    may_resume: bool = True  # else it always logs in, and the session only tells the device


@dataclass(frozen=True, slots=True)
class PortalPlan:
    """How one portal is to be visited.

    `script` names a hand-written portal (bills/portals/NAME.py), used in place of the recipe.
    `attempt_timeout` is in seconds and covers the whole attempt. `allowed_hosts` come on top of
    the two URLs' hosts and the recipe's. `check_url` raises for a URL that the settings refuse.
    """

    login_url: str
    billing_url: str
    recipe: Recipe
    attempt_timeout: float = 300.0
    allowed_hosts: tuple[str, ...] = ()
    allow_private: bool = False
    script: str = ""
    check_url: Callable[[str], object] | None = None
    keep_trace: bool = True
    picture_each_stage: bool = False  # "Test this portal": a screenshot after every stage
    keeps_devices: bool = False  # what the browser remembers is kept for the next login
    drive: Callable[[Visit], Awaitable[None]] | None = None  # a person, in place of the portal

    def permits(self, host: str) -> bool:
        """Whether the portal's pages may reach this host. `*.example.com` names its subdomains."""
        own = {urlsplit(url).hostname or "" for url in (self.login_url, self.billing_url) if url}
        asked = host.lower().rstrip(".")
        return any(
            asked == rule or (rule.startswith("*.") and asked.endswith(rule[1:]))
            for rule in (
                *own,
                *self.recipe.hosts,
                *self.recipe.password_hosts,
                *self.allowed_hosts,
            )
        )

    @property
    def has_other_hosts(self) -> bool:
        """Whether its pages may reach hosts that may not be told the password."""
        login = urlsplit(self.login_url).hostname
        billing = urlsplit(self.billing_url).hostname or login
        return bool(self.recipe.hosts or self.allowed_hosts) or billing != login


class CodeSource(Protocol):
    """Where one-time codes come from. Each method is called in a thread of its own."""

    def may_use(self, window: int) -> bool:
        """Whether this time window's code has not been typed anywhere yet; from now on it has."""
        ...

    def ask(self, hint: str) -> float:
        """Ask people for a code; the seconds that they have. 0: there is nobody to ask.

        `hint` is what the page says about where it was sent.
        """
        ...

    def answer(self) -> str:
        """The code, once somebody has typed it; "" before. Raises PortalError to end the wait."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """What the caller wants to be told.

    `stage(name, done, total)`: the attempt entered a stage (counts for downloads, else 0, 0).
    Called in the browser's event loop, so it must return at once.
    `before_password()`: a password is about to be sent; raise to forbid it. Called in a thread
    of its own and waited for. `codes` gives one-time codes; without it there are none.
    """

    stage: Callable[[str, int, int], None] | None = None
    before_password: Callable[[], None] | None = None
    codes: CodeSource | None = None


class Differs(StrEnum):
    """What the document does not show as the list has it."""

    NUMBER = "number"
    DATE = "date"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What was read. `other` is another bill's number that the document names: a listed one's, or
    any where neither the bill's own number nor its date and amount are there.
    """

    due_date: datetime.date | None = None
    differs: tuple[Differs, ...] = ()
    other: str = ""


@dataclass(frozen=True, slots=True)
class FetchedBill:
    """A new bill, checked and on disk under a temporary name until the report is discarded."""

    number: str
    date: datetime.date | None
    amount: Decimal | None
    currency: str
    path: Path
    sha256: str
    size: int  # bytes
    contract: str = ""
    date_text: str = ""
    document: str = ""
    is_printed: bool = False  # from a page: the portal has no file of it
    facts: DocumentFacts = field(default_factory=DocumentFacts)

    @property
    def key(self) -> BillKey:
        return BillKey.of(
            self.number, self.date, self.amount, self.contract, self.date_text, self.document
        )
