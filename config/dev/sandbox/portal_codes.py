"""The sandbox portal's second step: codes of an app or by SMS, and the devices that it knows."""

from __future__ import annotations

import base64
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from config.dev.sandbox.portal_accounts import Scenario

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
