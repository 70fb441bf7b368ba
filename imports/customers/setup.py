"""From a CustomerApi row to what the client needs, and whether what was entered can work."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from imports.customers import auth
from imports.customers.addresses import BadAddress, check_url
from imports.customers.checks import Checks
from imports.customers.client import Client, Endpoint, ProbeResult
from imports.customers.client import probe as probe_client
from imports.customers.mapping import BadMapping, Mapping, preset, states_refusals
from imports.customers.records import RULES
from imports.models.apis import AuthKind, CustomerApi

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE_SECONDS = 10.0
STATUS_ALONE = gettext_lazy(
    "By this API's mapping its HTTP status alone is proof that all of a batch is stored: what it "
    "drops without a word counts as imported. Each of its jobs says so."
)
REFUSALS_UNSTATED = gettext_lazy(
    "Nobody has stated whether this API stores nothing of a batch that it refuses. Until the "
    "mapping says “refusal_stored_nothing”: true or false, customers of a refused batch are "
    "unknown, and the batch is not halved."
)

# What each way to authenticate cannot do without: the field, and what to call it.
NEEDED: dict[str, dict[str, str]] = {
    AuthKind.NONE: {},
    AuthKind.BEARER: {"secret": "a token"},
    AuthKind.BASIC: {"username": "a user name", "secret": "a password"},
    AuthKind.HEADER: {"header_name": "the header's name", "secret": "a key"},
    AuthKind.OAUTH2_PASSWORD: {
        "token_url": "the token URL", "username": "a user name", "secret": "a password",
    },
    AuthKind.OAUTH2_CLIENT: {
        "token_url": "the token URL", "client_id": "the client id",
        "secret": "the client's secret",
    },
}  # fmt: skip


def mapping_of(api: CustomerApi) -> Mapping:
    """The preset with the API's own changes. Raises BadMapping."""
    return preset(api.preset).with_overrides(api.mapping) if api.mapping else preset(api.preset)


def checks_of(api: CustomerApi) -> Checks:
    """What the files of a job for this API are held against.

    The preset's own rules are about its own records: another list (households) has others, and so
    has an API whose mapping says itself where a record's names and results are.
    """
    mapping = mapping_of(api)
    is_the_presets = not {"record", "results"} & set(api.mapping or {})
    same_list = is_the_presets and mapping.request.envelope == preset(api.preset).request.envelope
    return Checks.of(mapping, rules=api.preset if same_list and api.preset in RULES else "")


def describes_itself(mapping: object) -> bool:
    """Whether an own mapping leaves nothing to a preset of how records and answers look."""
    own = mapping if isinstance(mapping, dict) else {}
    return "record" in own and ("results" in own or own.get("proof") == "status")


def remarks_on(api: CustomerApi) -> list[str]:
    """What whoever saves this API ought to know. It must be clean."""
    found = []
    if mapping_of(api).proof == "status":
        found.append(str(STATUS_ALONE))
    if not states_refusals(api.preset, api.mapping):
        found.append(str(REFUSALS_UNSTATED))
    return found


def clean_api(api: CustomerApi) -> None:
    """Check all that can be checked without calling. Raises ValidationError, field by field."""
    errors: dict[str, list[str]] = {}
    try:
        api.full_clean()
    except ValidationError as error:
        errors.update(error.message_dict)
    for field, text in _complaints(api):
        errors.setdefault(field, []).append(text)
    if errors:
        raise ValidationError(errors)


def _complaints(api: CustomerApi) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field in ("url", "token_url"):
        if getattr(api, field):
            found += _complaint(field, BadAddress, partial(_check, getattr(api, field)))
    found += _complaint("mapping", BadMapping, lambda: mapping_of(api))
    found += _missing(api)
    found += _complaint(
        "extra_headers", auth.BadCredential, lambda: auth.check_headers(_extra(api))
    )
    if not found:
        found += _complaint("secret", auth.BadCredential, lambda: auth_of(api))
    return found


def _check(url: str) -> None:
    check_url(url, settings.ALLOW_PRIVATE_ADDRESSES)


def _complaint(
    field: str, kind: type[Exception], attempt: Callable[[], object]
) -> list[tuple[str, str]]:
    try:
        attempt()
    except kind as error:
        return [(field, str(error))]
    return []


def _missing(api: CustomerApi) -> list[tuple[str, str]]:
    label = AuthKind(api.auth).label if api.auth in AuthKind.values else api.auth
    needed = NEEDED.get(api.auth, {})
    return [
        (field, f"“{label}” needs {what}.")
        for field, what in needed.items()
        if not getattr(api, field)
    ]


def _extra(api: CustomerApi) -> dict[str, str]:
    return dict(json.loads(api.extra_headers)) if api.extra_headers else {}


def auth_of(api: CustomerApi) -> auth.Auth:
    """How requests prove who sends them. Raises BadCredential."""
    match api.auth:
        case AuthKind.BEARER:
            return auth.bearer(api.secret)
        case AuthKind.BASIC:
            return auth.basic(api.username, api.secret)
        case AuthKind.HEADER:
            return auth.header(api.header_name, api.secret)
        case AuthKind.OAUTH2_PASSWORD:
            return auth.OAuth2(
                api.token_url,
                client_id=api.client_id,
                client_secret=api.client_secret,
                username=api.username,
                password=api.secret,
            )
        case AuthKind.OAUTH2_CLIENT:
            return auth.OAuth2(api.token_url, client_id=api.client_id, client_secret=api.secret)
    return auth.no_auth()


def client_of(api: CustomerApi, timeout: float, pool_size: int) -> Client:
    """A client for this API. `timeout` in seconds holds for a whole call."""
    endpoint = Endpoint(api.url, mapping_of(api), _extra(api), api.idempotency_header)
    return Client(
        endpoint,
        auth_of(api),
        timeout=timeout,
        deadline=timeout,
        pool_size=pool_size,
        allow_private=settings.ALLOW_PRIVATE_ADDRESSES,
    )


def probe(api: CustomerApi) -> ProbeResult:
    """ "Test connection": what was seen, in a sentence. Sends no customer."""
    try:
        with client_of(api, min(api.timeout_seconds, PROBE_SECONDS), 1) as client:
            return probe_client(client)
    except (BadAddress, BadMapping, auth.BadCredential) as error:
        return ProbeResult(False, str(error))
