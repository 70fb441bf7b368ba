"""The sandbox portal's bills, made up from the account's e-mail: a retry sees the same ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

# The month of every account's newest bill, until a test asks for newer ones: a fixed one, so
# that numbers and amounts can be written down in tests.
NEWEST_MONTH = 2026 * 12 + 9  # October 2026, counted in months

NEIGHBOUR = "neighbour@example.test"  # whose bill turns up in somebody else's list

FIRST_NAMES = ("Åsa", "Björn", "Cecilia", "Göran", "Håkan", "Linnéa", "Märta", "Östen")
LAST_NAMES = ("Ängström", "Öberg", "Håkansson", "Lindqvist", "Sjögren", "Nyström", "Åkerlund")


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill. The number is digits, leading zeros included; the amount is in öre."""

    number: str
    customer_number: str
    email: str
    holder: str
    issued_on: date
    amount_ore: int

    @property
    def amount(self) -> str:
        """As Swedes write it, with plain spaces: "1 234,50 kr"."""
        kronor, ore = divmod(self.amount_ore, 100)
        return f"{kronor:,}".replace(",", " ") + f",{ore:02d} kr"


def draw(limit: int, *key: object) -> int:
    """A number in [0, limit) that depends on nothing but the key."""
    text = "\x1f".join(str(part) for part in key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % limit


def customer_number(email: str, seed: int) -> str:
    """Seven digits, the first always 0: whoever reads it as a number loses something."""
    return f"0{draw(1_000_000, seed, email, 'customer'):06d}"


def holder(email: str, seed: int) -> str:
    first = FIRST_NAMES[draw(len(FIRST_NAMES), seed, email, "first")]
    return f"{first} {LAST_NAMES[draw(len(LAST_NAMES), seed, email, 'last')]}"


def bill(email: str, month: int, seed: int) -> Bill:
    """The bill of one month (counted as year * 12 + month - 1)."""
    year, month_of_year = divmod(month, 12)
    number = customer_number(email, seed)
    return Bill(
        number=f"{number}{year % 100:02d}{month_of_year + 1:02d}",
        customer_number=number,
        email=email,
        holder=holder(email, seed),
        issued_on=date(year, month_of_year + 1, 1 + draw(28, seed, email, "day")),
        amount_ore=15_000 + draw(400_000, seed, email, month, "amount"),
    )


def bills_of(email: str, count: int, seed: int, newer: int = 0) -> list[Bill]:
    """`count` bills up to October 2026 and `newer` later ones, a month each, newest first."""
    newest = NEWEST_MONTH + newer
    return [bill(email, newest - age, seed) for age in range(count + newer)]
