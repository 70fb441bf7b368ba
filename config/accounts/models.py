"""What an account has besides Django's: an authenticator app, and who it is at the provider."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from imports.fields import EncryptedTextField

DRIFT_STEPS = 1  # of 30 seconds: how far a telephone's clock may be off


def new_key() -> str:
    """A secret for an authenticator app, in hexadecimal."""
    return secrets.token_hex(20)


class Authenticator(ThrottlingMixin, Device):
    """An authenticator app (TOTP, RFC 6238), with recovery codes for when it is lost.

    `verify_token` is called on a locked row: no code is accepted twice, and each wrong one doubles
    the wait for the next.
    """

    key = EncryptedTextField(default=new_key)
    last_step = models.BigIntegerField(default=-1)  # the newest code that was accepted
    recovery_hashes = ArrayField(models.CharField(max_length=64), default=list, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user"], name="one_authenticator_each")]

    def get_throttle_factor(self) -> float:
        """Seconds to wait after the first wrong code."""
        return 1

    def verify_token(self, token: str) -> bool:
        """Whether the code is right now, or a recovery code that was not used. Saves the row."""
        if not self.verify_is_allowed()[0]:
            return False
        is_right = self._is_code(token) or self._is_recovery_code(token)
        if is_right:
            self.throttle_reset(commit=False)
        else:
            self.throttle_increment(commit=False)
        self.save()
        return is_right

    def _is_code(self, token: str) -> bool:
        if not (token.isascii() and token.isdecimal() and len(token) == 6):
            return False
        totp = TOTP(bytes.fromhex(self.key))
        if not totp.verify(int(token), DRIFT_STEPS, self.last_step + 1):
            return False
        self.last_step = totp.t()
        return True

    def _is_recovery_code(self, token: str) -> bool:
        digest = _digest(token)
        if digest not in self.recovery_hashes:
            return False
        self.recovery_hashes.remove(digest)
        return True

    def confirm(self) -> list[str]:
        """Ask for this authenticator from now on; its recovery codes, which nobody sees again."""
        codes = [secrets.token_hex(5) for _ in range(10)]
        self.confirmed, self.recovery_hashes = True, [_digest(code) for code in codes]
        self.save()
        return codes


def _digest(token: str) -> str:
    """Recovery codes are random enough that a plain hash keeps them."""
    return hashlib.sha256(token.strip().lower().encode()).hexdigest()


class Identity(models.Model):
    """Which account a person of the single sign-on provider has here."""

    user: Any = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)  # OpenID Connect: at most 255 characters

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_account_each")
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
