"""A CSV of the sandbox portal's accounts: twelve of them, with made-up passwords."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DOMAIN = "example.test"
# What each goes through is in portal_scenarios: the one of "wrongpassword" is an old password.
NAMES = (
    "good1", "good2", "flaky1", "wrongpassword1", "locked1", "otp1",
    "inline1", "popup1", "blob1", "post1", "fortybills1", "otherbill1",
)  # fmt: skip
PASSWORD = "made-up-password"


def address(name: str) -> str:
    return f"{name}@{DOMAIN}"


def write_csv(path: Path, names: Iterable[str] = NAMES) -> Path:
    """One row for each name: e-mail, password, and a column that is kept as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["email", "password", "cred_id"])
        rows.writerows([address(name), PASSWORD, f"{n:05}"] for n, name in enumerate(names, 1))
    return path
