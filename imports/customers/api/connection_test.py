""" "Test connection" of what stands in a form, before it is saved.

A stored secret is used only where it already goes: a form cannot be made to send it elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imports.customers.api.oauth2 import OAuth2
from imports.customers.api.probing import ProbeResult, Proof
from imports.customers.api.setup import UNUSABLE, auth_of, probe, said_of
from imports.customers.api.token_store import TokenRow
from imports.messages import marked as _
from imports.messages import sentence
from imports.models.apis import OAUTH2, AuthKind

if TYPE_CHECKING:
    from collections.abc import Collection

    from imports.customers.api.oauth2 import TokenStore
    from imports.models import CustomerApi

WITHHELD = sentence(
    "SECRET_WITHHELD",
    _(
        "Not tested: a stored secret is only used at the host, and with the certificates, that "
        "it was saved for. Enter it again, or save first."
    ),
)
SECRETS = ("secret", "client_secret", "extra_headers", "client_certificate")


def probe_unsaved(
    draft: CustomerApi, saved: CustomerApi | None, stored: Collection[str]
) -> ProbeResult:
    """Test what would be saved. `stored`: the secrets of `saved` that the draft keeps.

    Raises WrongKey.
    """
    for name in SECRETS:
        if saved is None or name not in stored or not _goes_to(draft, name):
            continue
        if not _has_the_same_reader(draft, saved, name):
            return ProbeResult(Proof.FAILED, WITHHELD)
        setattr(draft, name, getattr(saved, name))
    try:
        return probe(draft, _shared_token(draft, saved))
    except UNUSABLE as error:
        return ProbeResult(Proof.FAILED, said_of(error))


def _has_the_same_reader(draft: CustomerApi, saved: CustomerApi, name: str) -> bool:
    if draft.ca_certificates.strip() != saved.ca_certificates.strip():
        return False
    return goes_where_it_went(draft, saved, name)


def goes_where_it_went(draft: CustomerApi, saved: CustomerApi, name: str) -> bool:
    """Whether a stored secret would reach no other host than the one it was entered for."""
    if _goes_to(draft, name) is None:
        return True
    has_token = name != "extra_headers" and draft.auth in OAUTH2
    if has_token and _origin(draft.url) != _origin(saved.url):
        return False  # the token would go to the new host
    return _goes_to(draft, name) == _goes_to(saved, name)


def moved_secrets(changed: CustomerApi, given: Collection[str] = ()) -> list[str]:
    """The stored secrets that would go to another host if this were saved, without those `given`.

    Raises WrongKey.
    """
    saved = type(changed).objects.filter(pk=changed.pk).first()
    if saved is None:
        return []
    kept = [name for name in SECRETS if name not in given and getattr(saved, name)]
    return [name for name in kept if not goes_where_it_went(changed, saved, name)]


def _goes_to(api: CustomerApi, name: str) -> tuple[str, str, int | None] | None:
    """Where this secret of the API is sent, None if nowhere."""
    if name in ("extra_headers", "client_certificate"):
        return _origin(api.url)
    if name == "client_secret":
        return _origin(api.token_url) if api.auth in OAUTH2 else None
    match api.auth:
        case AuthKind.NONE | AuthKind.OAUTH2_CLIENT:
            return None
        case AuthKind.OAUTH2_PASSWORD:
            return _origin(api.token_url)
    return _origin(api.url)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def _shared_token(draft: CustomerApi, saved: CustomerApi | None) -> TokenStore | None:
    """The workers' token where the draft has the same credential, so that theirs stays good."""
    if saved is None or draft.auth not in OAUTH2 or saved.auth not in OAUTH2:
        return None
    ours, theirs = auth_of(draft), auth_of(saved)
    if isinstance(ours, OAuth2) and isinstance(theirs, OAuth2):
        return TokenRow(saved.pk) if ours.fingerprint == theirs.fingerprint else None
    return None
