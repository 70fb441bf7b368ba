"""What a section of the bench found, and how it is written down."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field

from django.db import connection


@dataclass(slots=True)
class Section:
    """One measurement: figures to read, and the ratios that are held against a bound."""

    title: str
    rows: list[tuple[str, str]] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # paragraphs below the table
    pictures: dict[str, str] = field(default_factory=dict)  # a file's name: its SVG

    def add(self, what: str, value: str) -> None:
        self.rows.append((what, value))

    def ratio(
        self,
        what: str,
        value: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        """A ratio and its bound; one that misses it fails the bench."""
        wanted = f"at least {at_least}" if at_least is not None else f"at most {at_most}"
        kept = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
        self.add(f"**{what}**", f"**{value:.2f}** ({wanted}{'' if kept else ', missed'})")
        if not kept:
            self.misses.append(f"{self.title}: {what} is {value:.2f}, wanted {wanted}")

    def text(self) -> str:
        lines = [f"## {self.title}", "", "| what | measured |", "|---|---|"]
        rows = (f"| {what} | {value} |" for what, value in self.rows)
        below = [f"![{self.title}]({name})" for name in self.pictures] + self.notes
        return "\n".join([*lines, *rows, "", *(f"{each}\n" for each in below)])


def report(sections: list[Section]) -> str:
    """The whole of RESULTS.md."""
    machine = _machine()
    head = [
        "# Bench",
        "",
        "Written by `make bench`. Read the ratios: each peer was measured in the same run, on the "
        f"same machine ({machine}). Absolute figures say little elsewhere.",
        "",
    ]
    return "\n".join([*head, *(section.text() for section in sections)])


def _machine() -> str:
    """What the figures were measured on; not its name or place."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    with connection.cursor() as sql:
        sql.execute("SHOW server_version")
        (version,) = sql.fetchone()
    parts = [
        f"{os.cpu_count()} cores", f"{memory:.0f} GB of memory",
        f"{platform.system()} {platform.machine()}", f"Python {platform.python_version()}",
        f"PostgreSQL {version}",
    ]  # fmt: skip
    return ", ".join(parts)
