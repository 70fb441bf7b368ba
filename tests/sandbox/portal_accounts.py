"""Who may log in to the sandbox portal, what happens to them, and a count of all that happened."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from tests.sandbox.portal_bills import NEIGHBOUR, Bill, bills_of
from tests.sandbox.portal_scenarios import (
    BEFORE_THE_PASSWORD,
    BILL_COUNTS,
    FLAKY_TRIES,
    Answer,
    Scenario,
    scenario_of,
)

CORRECT_PASSWORD = "correct-password"  # the only one that a "wrongpassword" account accepts
WRONG_PASSWORD = "wrong"  # refused by every account


@dataclass(slots=True)
class Settings:
    """What control can change for the whole portal."""

    answer_seconds: float = 0.0  # before every answer, as over a long line
    slow_seconds: float = 45.0
    drip_seconds: float = 0.01  # between two bytes of a "drip" PDF
    lock_after: int = 5  # refused passwords in a row; 0: never
    retry_after_seconds: int = 30
    elsewhere: str = ""  # where "redirect" leads; empty: the other name of this very machine
    banner_on_login: bool = False  # the cookie banner on the login page too, for everybody


@dataclass(frozen=True, slots=True)
class Session:
    """One login. The scenario is the one that held when the password was submitted."""

    token: str
    email: str
    scenario: Scenario


@dataclass(slots=True)
class Counts:
    """What happened, by e-mail; `downloads` by "email/number"."""

    logins: Counter[str] = field(default_factory=Counter)
    resent: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    downloads: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0  # visits to the page on another site, and forms posted there
    passwords: dict[str, set[str]] = field(default_factory=dict)  # salted digests
    refused_in_a_row: Counter[str] = field(default_factory=Counter)


class Accounts:
    """Every account of the portal. Safe to call from many threads at once."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.lock = Lock()
        self.salt = secrets.token_bytes(16)
        self.reset()

    def reset(self) -> None:
        """Forget everything: counts, sessions, orders, settings."""
        with self.lock:
            self.settings = Settings()
            self.counts = Counts()
            self.sessions: dict[str, Session] = {}
            self.forms: set[str] = set()
            self.chosen: dict[str, Scenario] = {}
            self.heals_after: dict[str, int] = {}
            self.newer_bills: Counter[str] = Counter()
            self.passwords: dict[str, str] = {}  # digests of the only ones accepted

    def forget(self, email: str) -> None:
        """Forget what this account did and what was ordered for it; a lock opens. Bills stay."""
        with self.lock:
            counts = self.counts
            for counter in (
                counts.logins,
                counts.resent,
                counts.refused,
                counts.refused_in_a_row,
            ):
                counter.pop(email, None)
            for orders in (counts.passwords, self.passwords, self.chosen, self.heals_after):
                orders.pop(email, None)

    def scenario(self, email: str) -> Scenario:
        """What holds for the account now; GOOD once it has healed."""
        limit = self.heals_after.get(email)
        if limit is not None and self.counts.logins[email] > limit:
            return Scenario.GOOD
        return self.chosen.get(email) or scenario_of(email)

    def submit(self, email: str, password: str, form: str = "") -> tuple[Answer, Scenario]:
        """Count one submission of a password and say what comes of it.

        Chromium posts a form again by itself when a connection is reset without an answer: a
        `form` seen before is the same login, counted as resent. Without one each is its own.
        """
        with self.lock:
            counts = self.counts
            if form and form in self.forms:
                counts.resent[email] += 1
            else:
                counts.logins[email] += 1
            self.forms.add(form)
            counts.passwords.setdefault(email, set()).add(self.digest(password))
            scenario = self.scenario(email)
            answer = self.answer(email, password, scenario)
            if answer is Answer.REFUSED:
                counts.refused[email] += 1
                counts.refused_in_a_row[email] += 1
            elif answer is Answer.WELCOME:
                counts.refused_in_a_row[email] = 0
            return answer, scenario

    def answer(self, email: str, password: str, scenario: Scenario) -> Answer:
        """Called with the lock held. A locked account stays locked for the right password."""
        limit = self.settings.lock_after
        if limit and self.counts.refused_in_a_row[email] >= limit:
            return Answer.LOCKED
        if scenario in BEFORE_THE_PASSWORD:
            return BEFORE_THE_PASSWORD[scenario]
        tries = self.counts.logins[email]
        if scenario is Scenario.FLAKY and tries in FLAKY_TRIES:
            return FLAKY_TRIES[tries]
        return Answer.WELCOME if self.accepts(email, password, scenario) else Answer.REFUSED

    def accepts(self, email: str, password: str, scenario: Scenario) -> bool:
        """Only the password that was set, where one was; else any but "" and "wrong"."""
        if email in self.passwords:
            return self.digest(password) == self.passwords[email]
        if scenario is Scenario.WRONG_PASSWORD:
            return password == CORRECT_PASSWORD
        return password not in ("", WRONG_PASSWORD)

    def digest(self, password: str) -> str:
        return hashlib.sha256(self.salt + password.encode()).hexdigest()

    def open_session(self, email: str, scenario: Scenario) -> Session:
        session = Session(secrets.token_urlsafe(24), email, scenario)
        with self.lock:
            self.sessions[session.token] = session
        return session

    def session(self, token: str) -> Session | None:
        with self.lock:
            return self.sessions.get(token)

    def close_session(self, token: str) -> None:
        with self.lock:
            self.sessions.pop(token, None)

    def choose(self, email: str, scenario: Scenario | None) -> None:
        """Order a scenario; None gives the address its own back."""
        with self.lock:
            self.heals_after.pop(email, None)
            if scenario is None:
                self.chosen.pop(email, None)
            else:
                self.chosen[email] = scenario

    def heal(self, email: str, submissions: int) -> None:
        """Let the account be good once it has seen so many submissions, whatever ails it."""
        with self.lock:
            self.heals_after[email] = submissions

    def set_password(self, email: str, password: str) -> None:
        """From now on the account accepts this password and no other, byte for byte."""
        with self.lock:
            self.passwords[email] = self.digest(password)

    def add_bills(self, email: str, count: int = 1) -> None:
        """Let `count` months pass: as many newer bills."""
        with self.lock:
            self.newer_bills[email] += count

    def bills(self, session: Session) -> list[Bill]:
        """What the list shows, newest first; never somebody else's but for "otherbill"."""
        with self.lock:
            newer = self.newer_bills[session.email]
        own = bills_of(session.email, BILL_COUNTS.get(session.scenario, 3), self.seed, newer)
        if session.scenario is Scenario.OTHER_BILL:
            return [*bills_of(NEIGHBOUR, 1, self.seed), *own]
        return own

    def count_download(self, email: str, number: str) -> None:
        with self.lock:
            self.counts.downloads[f"{email}/{number}"] += 1

    def count_elsewhere(self) -> None:
        with self.lock:
            self.counts.elsewhere += 1

    def happened(self) -> dict[str, object]:
        """The account of what happened: numbers only, never a password."""
        with self.lock:
            counts = self.counts
            return {
                "logins": dict(counts.logins),
                "resent": dict(counts.resent),
                "refused": dict(counts.refused),
                "downloads": dict(counts.downloads),
                "passwords_seen_once": {
                    email: len(digests) for email, digests in counts.passwords.items()
                },
                "elsewhere": counts.elsewhere,
            }
