"""From a CustomerApi row to what the client needs, and whether what was entered can work."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.customers.api import auth
from imports.customers.api.adapters import ADAPTERS
from imports.customers.api.client import Client, Endpoint
from imports.customers.api.mapping import BadMapping, Mapping, preset, states_refusals
from imports.customers.api.oauth2 import OAuth2
from imports.customers.api.playground import ProbeResult, Proof
from imports.customers.api.playground import probe as probe_client
from imports.customers.api.requests import FIELD_FOR_MANY, is_filled
from imports.customers.api.token_store import TokenRow
from imports.customers.files.limits import Checks
from imports.customers.files.validation import RULES
from imports.http import egress
from imports.http.addresses import BadAddress, check_url
from imports.http.certificates import (
    BadCertificates,
    check_certificates,
    check_client_certificate,
)
from imports.http.tunnel import BadProxy
from imports.messages import MessageError, sentence
from imports.messages import marked as gettext_noop
from imports.models.apis import AuthKind, CustomerApi
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from imports.customers.api.oauth2 import TokenStore
    from imports.messages import Text
    from imports.models import ImportJob

CARRIES_CREDENTIAL = sentence(
    "HEADER_CARRIES_CREDENTIAL",
    gettext_noop("The header {name} carries the credential. Name another one."),
)
CREDENTIAL_TWICE = sentence(
    "CREDENTIAL_TWICE",
    gettext_noop(
        "The header {name} carries the credential already (“Authentication”). Leave it out, or "
        "choose another authentication."
    ),
)
KEY_HEADER = sentence(
    "KEY_HEADER", gettext_noop("The header {name} is the idempotency key's. Leave it out.")
)
PROBE_SECONDS = 10.0
# What a row can be that no client can be made of; each says what to correct.
UNUSABLE = (BadAddress, BadMapping, auth.BadCredential, BadCertificates, BadProxy)
STATUS_ALONE = gettext_lazy(
    "By this API's mapping its HTTP status alone is proof that all of a batch is stored: what it "
    "drops without a word counts as imported. Each of its jobs says so."
)
REFUSALS_UNSTATED = gettext_lazy(
    "It is not stated whether this API stores nothing of a batch that it refuses. Until the "
    "mapping sets “refusal_stored_nothing” to true or false, customers of a refused batch are"
    " unknown, and the batch is not halved."
)

# What each way to authenticate cannot do without: the field, and what to call it.
NEEDED: dict[str, dict[str, str]] = {
    AuthKind.NONE: {},
    AuthKind.BEARER: {"secret": "a token"},
    AuthKind.BASIC: {"username": "a user name", "secret": "a password"},
    AuthKind.HEADER: {"header_name": "the header's name", "secret": "a key"},
    AuthKind.QUERY: {"header_name": "the parameter's name", "secret": "a key"},
    AuthKind.HMAC: {"header_name": "the header's name", "secret": "a key"},
    AuthKind.WSSE: {"username": "a user name", "secret": "a secret"},
    AuthKind.OAUTH2_PASSWORD: {
        "token_url": "the token URL", "username": "a user name", "secret": "a password",
    },
    AuthKind.OAUTH2_CLIENT: {
        "token_url": "the token URL", "client_id": "the client id",
        "client_secret": "the client's secret",
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


def is_asynchronous(api: CustomerApi | None) -> bool:
    """Whether one attempt at a batch of this API is more than one request."""
    try:
        mapping = mapping_of(api) if api else None
    except BadMapping:
        return False
    return mapping is not None and bool(mapping.poll or mapping.adapter)


def honours_keys(api: CustomerApi) -> bool:
    """Whether the API carries out only once what comes again with the same idempotency key."""
    try:
        return bool(api.idempotency_header) or mapping_of(api).request.idempotent
    except BadMapping:
        return False


def can_look_up(api: CustomerApi | None) -> bool:
    """Whether the API's mapping says how one customer is looked up."""
    try:
        return api is not None and mapping_of(api).lookup is not None
    except BadMapping:
        return False


def first_step_stores_nothing(api: CustomerApi | None) -> bool:
    """Whether a first request that nobody saw the end of has stored nothing for certain."""
    try:
        adapter = ADAPTERS.get(mapping_of(api).adapter) if api else None
    except BadMapping:
        return False
    return adapter is not None and adapter.submits


def describes_itself(mapping: object) -> bool:
    """Whether the API's own mapping describes records and answers without a preset."""
    own = mapping if isinstance(mapping, dict) else {}
    return "record" in own and ("results" in own or own.get("proof") == "status")


def warnings_for(api: CustomerApi) -> list[str]:
    """Warnings for whoever saves this API, which must have passed `clean_api`."""
    found = []
    if mapping_of(api).proof == "status":
        found.append(str(STATUS_ALONE))
    if not states_refusals(api.preset, api.mapping):
        found.append(str(REFUSALS_UNSTATED))
    return found


def clean_api(api: CustomerApi) -> None:
    """Check everything that needs no request. Raises ValidationError with the errors by field."""
    errors: dict[str, list[str]] = {}
    try:
        api.full_clean()
    except ValidationError as error:
        errors.update(error.message_dict)
    for field, text in complaints(api):
        errors.setdefault(field, []).append(text)
    if errors:
        raise ValidationError(errors)


def complaints(api: CustomerApi, stored: Collection[str] = ()) -> list[tuple[str, str]]:
    """What cannot work: each a field and the reason.

    `stored`: the secrets that are there, but not in `api`, because nobody has to read them.
    """
    found: list[tuple[str, str]] = []
    for field in ("url", "token_url"):
        if getattr(api, field):
            found += _complaint(field, BadAddress, partial(check_address_of, api, field))
    found += _mapping_complaints(api)
    found += _missing(api, stored)
    found += _header_complaints(api)
    for name, check in (
        ("ca_certificates", check_certificates),
        ("client_certificate", check_client_certificate),
    ):
        if name not in stored and getattr(api, name):
            found += _complaint(name, BadCertificates, partial(check, getattr(api, name)))
    field = "username" if set(':"') & set(api.username) else secret_field(api.auth)
    if not found and secret_field(api.auth) not in stored:
        found += _complaint(field, auth.BadCredential, lambda: auth_of(api))
    return found


def most_in_a_batch(api: CustomerApi | None) -> int | None:
    """How many customers one request of this API may carry; None where nothing says so."""
    try:
        return mapping_of(api).request.max_records if api else None
    except BadMapping:
        return None


def most_of(job: ImportJob) -> int:
    """How many customers a batch of this job may have: its size, or the most its API takes."""
    return min(job.batch_size, most_in_a_batch(job.api) or job.batch_size)


def _mapping_complaints(api: CustomerApi) -> list[tuple[str, str]]:
    try:
        request = mapping_of(api).request
        most = request.max_records
    except BadMapping as error:
        lines = [f"{path}: {text}" for path, text in error.errors]
        return [("mapping", text) for text in lines or [str(error)]]
    if is_filled(api.url) and request.shape != "one":
        return [("url", in_words(FIELD_FOR_MANY))]
    if isinstance(api.batch_size, int) and api.batch_size > most:
        text = _("This API takes at most %(n)s customers in a batch.") % {"n": most}
        return [("batch_size", text)]
    return []


def fitting_batch_size(api: CustomerApi) -> int:
    """The batch size, or the most that the API's mapping allows if that is less."""
    try:
        return min(api.batch_size, mapping_of(api).request.max_records)
    except BadMapping:
        return api.batch_size


def check_address_of(api: CustomerApi, field: str) -> None:
    """Raise BadAddress unless the URL in this field may be called."""
    check_url(getattr(api, field), settings.ALLOW_PRIVATE_ADDRESSES, api.allow_plain_http)


def _header_complaints(api: CustomerApi) -> list[tuple[str, str]]:
    """What sending would refuse of the headers of this API."""
    found = _complaint("extra_headers", auth.BadCredential, lambda: _check_extra(api))
    names = {"idempotency_header": api.idempotency_header}
    if api.auth in (AuthKind.HEADER, AuthKind.HMAC):
        names["header_name"] = api.header_name
    for field in filter(names.get, names):
        found += _complaint(field, auth.BadCredential, partial(_check_name, api, field))
    return found


def _check_name(api: CustomerApi, field: str) -> None:
    name = getattr(api, field)
    auth.check_headers({name: "value"})
    if field == "idempotency_header" and name.lower() in _own_headers(api):
        raise auth.BadCredential(CARRIES_CREDENTIAL.format(name=name))


def _check_extra(api: CustomerApi) -> None:
    extra = _extra(api)
    auth.check_headers(extra)
    for name in extra:
        if name.lower() in _own_headers(api):
            raise auth.BadCredential(CREDENTIAL_TWICE.format(name=name))
        if name.lower() == api.idempotency_header.lower():
            raise auth.BadCredential(KEY_HEADER.format(name=name))


def _own_headers(api: CustomerApi) -> set[str]:
    """The header, in lower case, that the credential of this API goes into."""
    match api.auth:
        case AuthKind.NONE | AuthKind.QUERY:
            return set()
        case AuthKind.HEADER | AuthKind.HMAC:
            return {api.header_name.lower()}
        case AuthKind.WSSE:
            return {"authorization", "x-wsse"}
    return {"authorization"}


def secret_field(kind: str) -> str:
    """The field that holds the secret of a kind of authentication."""
    return "client_secret" if kind == AuthKind.OAUTH2_CLIENT else "secret"


def _complaint(
    field: str, kind: type[Exception], attempt: Callable[[], object]
) -> list[tuple[str, str]]:
    try:
        attempt()
    except kind as error:
        return [(field, in_words(said_of(error)))]
    return []


def said_of(error: Exception) -> Text:
    """The message of an error, or else its text."""
    return error.message if isinstance(error, MessageError) else str(error)


def _missing(api: CustomerApi, stored: Collection[str]) -> list[tuple[str, str]]:
    label = AuthKind(api.auth).label if api.auth in AuthKind.values else api.auth
    needed = NEEDED.get(api.auth, {})
    return [
        (field, f"“{label}” needs {what}.")
        for field, what in needed.items()
        if field not in stored and not getattr(api, field)
    ]


def _extra(api: CustomerApi) -> dict[str, str]:
    return dict(json.loads(api.extra_headers)) if api.extra_headers else {}


def auth_of(api: CustomerApi, tokens: TokenStore | None = None) -> auth.Auth:
    """How requests prove who sends them. `tokens`: where an OAuth2 token is shared.

    Raises BadCredential.
    """
    match api.auth:
        case AuthKind.BEARER:
            return auth.bearer(api.secret)
        case AuthKind.BASIC:
            return auth.basic(api.username, api.secret)
        case AuthKind.HEADER:
            return auth.header(api.header_name, api.secret)
        case AuthKind.QUERY:
            return auth.query_key(api.header_name, api.secret)
        case AuthKind.HMAC:
            return auth.hmac_signature(
                api.header_name, api.secret, mapping_of(api).request.signature
            )
        case AuthKind.WSSE:
            return auth.wsse(api.username, api.secret)
        case AuthKind.OAUTH2_PASSWORD | AuthKind.OAUTH2_CLIENT:
            is_password = api.auth == AuthKind.OAUTH2_PASSWORD
            return OAuth2(
                api.token_url,
                client_id=api.client_id,
                client_secret=api.client_secret,
                username=api.username if is_password else "",
                password=api.secret if is_password else "",
                scope=api.scope,
                audience=api.audience,
                store=tokens,
            )
    return auth.no_auth()


def endpoint_of(api: CustomerApi) -> Endpoint:
    """Where this API is and how it is spoken to. Raises BadMapping, BadCredential."""
    trusted = [pem for pem in (egress.certificates(), api.ca_certificates) if pem]
    return Endpoint(
        api.url,
        mapping_of(api),
        _extra(api),
        api.idempotency_header,
        api.allow_plain_http,
        "\n".join(trusted),
        api.client_certificate,
    )


def client_of(
    api: CustomerApi, timeout: float, pool_size: int, tokens: TokenStore | None = None
) -> Client:
    """A client for this API. `timeout` in seconds holds for a whole call.

    A saved API's token is in the database, unless `tokens` says otherwise.
    """
    if tokens is None and api.pk is not None:
        tokens = TokenRow(api.pk)
    return Client(
        endpoint_of(api),
        auth_of(api, tokens),
        timeout=timeout,
        deadline=timeout,
        pool_size=pool_size,
        rules=egress.rules(api.allow_plain_http),
    )


def probe(api: CustomerApi, tokens: TokenStore | None = None) -> ProbeResult:
    """ "Test connection": what was seen, in a sentence. Sends no customer."""
    try:
        with client_of(api, min(api.timeout_seconds, PROBE_SECONDS), 1, tokens) as client:
            return probe_client(client)
    except UNUSABLE as error:
        return ProbeResult(Proof.FAILED, said_of(error))
