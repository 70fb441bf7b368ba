"""Orders to the sandbox portal: what POST /portal/control can say, and carrying it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.sandbox.portal_scenarios import Scenario  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from tests.sandbox.portal_accounts import Accounts


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /portal/control. What is absent stays as it is."""

    scenarios: dict[str, Scenario | None] = {}  # e-mail: scenario; null: the address's own
    heals_after: dict[str, int] = {}  # e-mail: submissions, after which the account is good
    new_bills: dict[str, int] = {}  # e-mail: so many more months pass
    passwords: dict[str, str] = {}  # e-mail: the only password accepted from now on
    answer_seconds: float | None = None  # this and the rest: see `Settings`
    slow_seconds: float | None = None
    drip_seconds: float | None = None
    lock_after: int | None = None
    retry_after_seconds: int | None = None
    elsewhere: str | None = None
    banner_on_login: bool | None = None


SETTINGS = (
    "answer_seconds",
    "slow_seconds",
    "drip_seconds",
    "lock_after",
    "retry_after_seconds",
    "elsewhere",
    "banner_on_login",
)


def obey(order: Order, accounts: Accounts) -> None:
    """Carry out the whole order. E-mails are taken in lower case, as at the login."""
    for email, scenario in order.scenarios.items():
        accounts.choose(email.lower(), scenario)
    for email, submissions in order.heals_after.items():
        accounts.heal(email.lower(), submissions)
    for email, months in order.new_bills.items():
        accounts.add_bills(email.lower(), months)
    for email, password in order.passwords.items():
        accounts.set_password(email.lower(), password)
    for name in SETTINGS:
        value = getattr(order, name)
        if value is not None:
            setattr(accounts.settings, name, value)
