"""Codes of an authenticator app: reads a TOTP secret in the forms that people have. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from imports.messages import MessageError, sentence
from imports.messages import marked as _

NO_SECRET = sentence(
    "TOTP_NO_SECRET",
    _(
        "This is no TOTP secret. Enter the letters and digits that the portal shows beside its "
        "QR code, or the whole address that begins with otpauth://totp/."
    ),
)
NOT_TIMED = sentence(
    "TOTP_NOT_TIMED",
    _("This address is for codes that are counted (HOTP). Only codes that change with time work."),
)
SHORTEST_SECRET = 10  # bytes: 80 bits, what the oldest portals give
LONGEST_SECRET = 512  # characters
DIGESTS: dict[str, type[SHA1 | SHA256 | SHA512]] = {
    "SHA1": SHA1,
    "SHA256": SHA256,
    "SHA512": SHA512,
}
DIGITS = range(6, 9)
PERIODS = range(10, 121)  # seconds


class BadSecret(MessageError):
    """What was entered is no TOTP secret. The message says what to enter, and repeats nothing."""


@dataclass(frozen=True, slots=True)
class Totp:
    """A secret that makes codes. It is never shown: there is no text of it but `uri`, to store."""

    secret: str
    digits: int = 6
    period: int = 30  # seconds
    digest: str = "SHA1"

    def __repr__(self) -> str:
        return f"Totp({self.digits} digits, {self.period} s)"

    @property
    def uri(self) -> str:
        """All of it as one text, to be stored encrypted."""
        named = {"secret": self.secret, "algorithm": self.digest}
        return "otpauth://totp/?" + urlencode(
            named | {"digits": str(self.digits), "period": str(self.period)}
        )

    def window(self, at: float) -> int:
        """The number of the time window of `at` (seconds since 1970)."""
        return int(at // self.period)

    def seconds_left(self, at: float) -> float:
        """Seconds until the window of `at` is over."""
        return self.period - at % self.period

    def code(self, window: int) -> str:
        """The code of this window."""
        algorithm = DIGESTS[self.digest]()
        # Portals still give secrets of 80 bits, shorter than the library wants new ones to be.
        made = TOTP(
            _decoded(self.secret), self.digits, algorithm, self.period, enforce_key_length=False
        )
        return made.generate(window * self.period).decode()


def read_totp(text: str) -> Totp:
    """A secret in base32 (blanks and dashes between its letters are usual) or an otpauth:// URI.

    Raises BadSecret.
    """
    plain = text.strip()
    if len(plain) > LONGEST_SECRET:
        raise BadSecret(NO_SECRET)
    if plain.lower().startswith("otpauth:"):
        return _from_uri(plain)
    return Totp(_base32(plain))


def _from_uri(uri: str) -> Totp:
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise BadSecret(NO_SECRET) from None
    if parts.netloc.lower() == "hotp":
        raise BadSecret(NOT_TIMED)
    asked = {name.lower(): values[0] for name, values in parse_qs(parts.query).items()}
    digest = asked.get("algorithm", "SHA1").upper().replace("-", "").removeprefix("HMAC")
    digits, period = asked.get("digits", "6"), asked.get("period", "30")
    known = digits.isdecimal() and period.isdecimal() and digest in DIGESTS
    if parts.netloc.lower() != "totp" or not known:
        raise BadSecret(NO_SECRET)
    if int(digits) not in DIGITS or int(period) not in PERIODS:
        raise BadSecret(NO_SECRET)
    return Totp(_base32(asked.get("secret", "")), int(digits), int(period), digest)


def _base32(text: str) -> str:
    """The secret in capitals without what only helps reading. Raises BadSecret."""
    letters = re.sub(r"[\s\-_.=]", "", text).upper()
    try:
        content = _decoded(letters)
    except (binascii.Error, ValueError):
        raise BadSecret(NO_SECRET) from None
    if len(content) < SHORTEST_SECRET:
        raise BadSecret(NO_SECRET)
    return letters


def _decoded(letters: str) -> bytes:
    return base64.b32decode(letters + "=" * (-len(letters) % 8))
