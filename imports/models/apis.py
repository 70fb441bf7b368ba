"""A customer API: its address, credentials and limits, and how to read its answers."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from imports.fields import EncryptedTextField
from imports.models.jobs import PaceSettings, RateLimit


class AuthKind(models.TextChoices):
    """How a request authenticates."""

    NONE = "none", _("None")
    BEARER = "bearer", _("Bearer token")
    BASIC = "basic", _("User name and password (Basic)")
    HEADER = "header", _("Key in a header")
    QUERY = "query", _("Key in the URL")
    HMAC = "hmac", _("Signature of each request (HMAC)")
    WSSE = "wsse", _("User name and secret (WSSE)")
    OAUTH2_PASSWORD = "oauth2-password", _("OAuth2, password grant")
    OAUTH2_CLIENT = "oauth2-client", _("OAuth2, client credentials")


# Encrypted, only ever written, and not read where they are not used.
SECRETS = ("secret", "client_secret", "extra_headers", "client_certificate")
OAUTH2 = (AuthKind.OAUTH2_PASSWORD, AuthKind.OAUTH2_CLIENT)


class CustomerApi(PaceSettings):
    """An API that customers are sent to. Secrets are encrypted at rest and never shown again."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    url = models.CharField(_("URL"), max_length=2000)
    preset = models.CharField(_("API type"), max_length=60, default="gk")
    mapping = models.JSONField(
        _("own mapping"),
        default=dict,
        blank=True,
        help_text=_("Overrides the preset: how requests are built and answers are read."),
    )

    mapping_text = models.TextField(default="", blank=True, editable=False)  # as it was written
    ca_certificates = models.TextField(
        _("certificates to trust"),
        default="",
        blank=True,
        help_text=_(
            "PEM certificates of a private authority, trusted in addition to the public ones."
        ),
    )
    allow_plain_http = models.BooleanField(
        _("allow plain http"),
        default=False,
        help_text=_(
            "On: credentials and customers may be sent unencrypted to a public address, where"
            " anyone on the network path can read them. A private address may always be "
            "http://, where private addresses are allowed."
        ),
    )

    auth = models.CharField(
        _("authentication"), max_length=20, choices=AuthKind, default=AuthKind.BEARER
    )
    secret = EncryptedTextField(_("token, password or key"), default="", blank=True)
    token_url = models.CharField(_("token URL"), max_length=2000, default="", blank=True)
    username = models.CharField(_("user name"), max_length=255, default="", blank=True)
    client_id = models.CharField(_("client id"), max_length=255, default="", blank=True)
    client_secret = EncryptedTextField(_("client secret"), default="", blank=True)
    scope = models.CharField(
        _("scope"),
        max_length=1000,
        default="",
        blank=True,
        help_text=_(
            "What the token is for, as the API's documentation says. Separate several with spaces."
        ),
    )
    audience = models.CharField(
        _("audience"),
        max_length=1000,
        default="",
        blank=True,
        help_text=_("Which API the token is for, where the token URL asks for it."),
    )
    header_name = models.CharField(
        _("header name"),
        max_length=100,
        default="",
        blank=True,
        help_text=_("Of the header, or of the URL's parameter, that carries the key."),
    )
    # Mutual TLS: PEM, a certificate with its private key.
    client_certificate = EncryptedTextField(_("client certificate"), default="", blank=True)
    extra_headers = EncryptedTextField(_("extra headers"), default="", blank=True)  # JSON object
    idempotency_header = models.CharField(
        _("idempotency key header"),
        max_length=100,
        default="",
        blank=True,
        help_text=_("Only if the API promises not to carry out a repeated key twice."),
    )

    class Meta:
        verbose_name = _("customer API")
        verbose_name_plural = _("customer APIs")
        ordering = ["name"]
        default_permissions = ("view",)
        permissions = [("manage_apis", "Can add, change, test and delete customer APIs")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and apply the concurrency to the API's rate limit, also for running jobs."""
        super().save(*args, **kwargs)
        RateLimit.objects.filter(key=self.rate_limit_key).update(concurrency=self.concurrency)
        if self.auth not in OAUTH2:
            AccessToken.objects.filter(api=self).delete()

    @property
    def rate_limit_key(self) -> str:
        """The key of this API's RateLimit."""
        return f"customer_api:{self.pk}"


class AccessToken(models.Model):
    """The one OAuth2 token of an API, for all workers and hosts. Only `TokenRow` writes it.

    A worker that requests the next token leases the row first: if it dies, it delays the others
    by seconds. `version` counts every change of token or failure. `fingerprint`
    is that of the credential that the token was requested with: a new credential, a new token.
    """

    api = models.OneToOneField(
        CustomerApi, models.CASCADE, primary_key=True, related_name="access_token"
    )
    version = models.PositiveBigIntegerField(default=0)
    fingerprint = EncryptedTextField(default="", blank=True)
    token = EncryptedTextField(default="", blank=True)
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)  # NULL: the token URL did not say
    failure = models.JSONField(null=True)  # why the last request for a token gave none
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"token of {self.api_id}"
