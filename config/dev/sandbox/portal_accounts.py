"""The sandbox portal's accounts: bills, what each goes through, codes and devices, and a count of
all that happened.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from threading import Lock

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP


class Scenario(StrEnum):
    """What an account goes through. Chosen by the e-mail's local part, or by control."""

    GOOD = "good"  # three bills, each an ordinary download
    FLAKY = "flaky"  # first login: connection reset; second: 500; from the third on good
    WRONG_PASSWORD = "wrongpassword"  # refused with HTTP 200, unless "correct-password"
    LOCKED = "locked"  # "Your account is locked"
    CHANGE_PASSWORD = "changepassword"  # right password, but a new one must be chosen
    OTP = "otp"  # asks for a one-time code, and accepts none
    TOTP = "totp"  # asks for the code of an authenticator app
    SMS = "sms"  # sends a code by SMS: it stands at /portal/phone
    CAPTCHA = "captcha"  # asks for a proof of humanity
    SLOW = "slow"  # answers the login after `slow_seconds`
    ERROR_500 = "500"  # 500 on every login
    MAINTENANCE = "maintenance"  # 503 with Retry-After
    RATE_LIMITED = "ratelimited"  # 429 with Retry-After
    INLINE = "inline"  # the PDF opens in a new tab, Content-Disposition: inline
    POPUP = "popup"  # the PDF opens through window.open
    BLOB = "blob"  # a script fetches the PDF and saves a blob: link
    POST = "post"  # a form POST answers with the PDF, with an odd file name header
    HTML_PDF = "htmlpdf"  # an HTML page that calls itself a PDF
    EMPTY = "empty"  # a PDF of 0 bytes
    TRUNCATED = "truncated"  # a PDF without its end
    CUT = "cut"  # the connection closes in mid-file
    DRIP = "drip"  # the PDF arrives byte by byte, `drip_seconds` apart
    NO_BILLS = "nobills"  # an empty list
    FORTY_BILLS = "fortybills"  # 40 bills over 4 pages
    OTHER_BILL = "otherbill"  # the first row is another customer's bill
    CRASH = "crash"  # the list of bills crashes the tab
    COOKIE_BANNER = "cookiebanner"  # an overlay catches every click until accepted
    REDIRECT = "redirect"  # the login leads to another site
    UNKNOWN_PAGE = "unknownpage"  # the login leads to a page that nobody described


class Answer(StrEnum):
    """What the portal says to one submission of a password."""

    WELCOME = "welcome"
    REFUSED = "refused"
    LOCKED = "locked"
    RESET = "reset"
    ERROR = "error"
    MAINTENANCE = "maintenance"
    RATE_LIMITED = "rate_limited"


ADDRESS = re.compile(
    r"(?P<scenario>" + "|".join(sorted(Scenario, key=len, reverse=True)) + r")[-._]?\d*"
)
BEFORE_THE_PASSWORD = {
    Scenario.ERROR_500: Answer.ERROR,
    Scenario.MAINTENANCE: Answer.MAINTENANCE,
    Scenario.RATE_LIMITED: Answer.RATE_LIMITED,
    Scenario.LOCKED: Answer.LOCKED,
}
FLAKY_TRIES = {1: Answer.RESET, 2: Answer.ERROR}
BILL_COUNTS = {Scenario.NO_BILLS: 0, Scenario.FORTY_BILLS: 40}


def scenario_of(email: str) -> Scenario:
    """The scenario that the address names: good7@…, otp+anything@…; GOOD for any other."""
    local = email.partition("@")[0].partition("+")[0]
    found = ADDRESS.fullmatch(local)
    return Scenario(found["scenario"]) if found else Scenario.GOOD


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
    """Seven digits that start with 0, so that reading it as a number loses the zero."""
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
            for counter in (counts.logins, counts.resent, counts.refused, counts.refused_in_a_row):
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

    def end_sessions(self) -> None:
        """Everybody has to log in again."""
        with self.lock:
            self.sessions.clear()

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


# Of every account that goes by an authenticator app: "NORRSKENNORRSKEN" in base32.
APP_SECRET = "JZHVEUSTJNCU4TSPKJJFGS2FJY"
WINDOW_SECONDS = 30
WINDOWS_LATE = 1  # a code is taken for so many windows after its own


@dataclass(frozen=True, slots=True)
class Waiting:
    """A login whose password was right, and whose code is still to come."""

    email: str
    scenario: Scenario


@dataclass(slots=True)
class Codes:
    """What was sent, typed and remembered. Safe to call from many threads at once."""

    lock: Lock = field(default_factory=Lock)
    waiting: dict[str, Waiting] = field(default_factory=dict)  # by the token of its cookie
    sent: dict[str, str] = field(default_factory=dict)  # e-mail: the code on its phone
    devices: dict[str, str] = field(default_factory=dict)  # token: e-mail
    used: set[tuple[str, str]] = field(default_factory=set)  # e-mail and a code that was taken
    typed: Counter[str] = field(default_factory=Counter)  # by e-mail
    repeated: Counter[str] = field(default_factory=Counter)  # codes that were typed once more

    def begin(self, email: str, scenario: Scenario) -> str:
        """Ask for a code; the token of this login. By SMS one is sent."""
        token = secrets.token_urlsafe(24)
        with self.lock:
            self.waiting[token] = Waiting(email, scenario)
            if scenario is Scenario.SMS:
                self.sent[email] = f"{secrets.randbelow(1_000_000):06}"
        return token

    def take(self, token: str, code: str) -> Waiting | None:
        """The login that this code completes; None for a wrong one, or one that was used."""
        with self.lock:
            login = self.waiting.get(token)
            if login is None:
                return None
            self.typed[login.email] += 1
            if (login.email, code) in self.used:
                self.repeated[login.email] += 1
                return None
            if code not in self._right(login):
                return None
            self.used.add((login.email, code))
            del self.waiting[token]
            return login

    def _right(self, login: Waiting) -> set[str]:
        if login.scenario is Scenario.SMS:
            return {self.sent.get(login.email, "")} - {""}
        now = int(time.time() // WINDOW_SECONDS)
        return {app_code(now - late) for late in range(WINDOWS_LATE + 1)}

    def remember(self, email: str) -> str:
        """Know a device from now on; its token."""
        token = secrets.token_urlsafe(24)
        with self.lock:
            self.devices[token] = email
        return token

    def knows(self, email: str, device: str) -> bool:
        with self.lock:
            return self.devices.get(device) == email

    def on_the_phone(self) -> dict[str, str]:
        """The codes that were sent, by e-mail: what the accounts' owners read on their phones."""
        with self.lock:
            return dict(self.sent)


def app_code(window: int) -> str:
    """What every account's app shows in this time window."""
    key = base64.b32decode(APP_SECRET + "=" * (-len(APP_SECRET) % 8))
    made = TOTP(key, 6, SHA1(), WINDOW_SECONDS)  # noqa: S303 - as RFC 6238 has it
    return made.generate(window * WINDOW_SECONDS).decode()
