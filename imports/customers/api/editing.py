"""A customer API while somebody writes it: "Test connection" before it is saved, and its mapping.

A stored secret is used only where it already goes: a form cannot be made to send it elsewhere. The
whole mapping in force is shown in the operator's layout, with the source of each value.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from imports.customers.api.mapping import preset
from imports.customers.api.oauth2 import OAuth2
from imports.customers.api.playground import ProbeResult, Proof
from imports.customers.api.presets import PRESETS
from imports.customers.api.setup import UNUSABLE, auth_of, mapping_of, probe, said_of
from imports.customers.api.token_store import TokenRow
from imports.messages import marked as _
from imports.messages import sentence
from imports.models.apis import OAUTH2, SECRETS, AuthKind
from imports.outside_text import refuse_unstorable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from imports.customers.api.oauth2 import TokenStore
    from imports.models import CustomerApi


WITHHELD = sentence(
    "SECRET_WITHHELD",
    _(
        "Not tested: a stored secret is only used at the host, and with the certificates, that "
        "it was saved for. Enter it again, or save first."
    ),
)


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


Origin = Literal["own", "preset", "default"]
_NOWHERE = object()


class Value(NamedTuple):
    """One value: its place in the document, itself as JSON, and who says so."""

    path: str
    text: str
    origin: Origin


def values_in_force(preset_name: str, changes: dict[str, Any]) -> list[Value]:
    """Every value of the preset with these changes. Raises BadMapping."""
    mapping = preset(preset_name)
    if changes:
        mapping = mapping.with_overrides(changes)
    return list(_values("", mapping.document(), changes, PRESETS[preset_name]))


def _values(path: str, value: Any, own: Any, given: Any) -> Iterator[Value]:
    """`own` and `given` are what the changes and the preset have at this place, if anything."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _values(
                f"{path}.{name}".lstrip("."), inner, _inside(own, name), _inside(given, name)
            )
    elif _holds_objects(value):
        # A list replaces a list: beside one's own there is nothing of the preset's.
        others = _NOWHERE if own is not _NOWHERE else given
        for number, inner in enumerate(value):
            yield from _values(
                f"{path}[{number}]", inner, _inside(own, number), _inside(others, number)
            )
    else:
        origin: Origin = "own" if own is not _NOWHERE else "default"
        if origin == "default" and given is not _NOWHERE:
            origin = "preset"
        yield Value(path, json.dumps(value, ensure_ascii=False), origin)


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value)


def _inside(part: Any, name: str | int) -> Any:
    if isinstance(part, dict):
        return part.get(name, _NOWHERE)
    if isinstance(part, list) and isinstance(name, int) and name < len(part):
        return part[name]
    return _NOWHERE


def text_of(changes: dict[str, Any], written: str) -> str:
    """The changes in the operator's layout, or in ours if nobody wrote any."""
    try:
        if written and json.loads(written) == changes:
            return written
    except ValueError:
        pass
    return json.dumps(changes, indent=2, ensure_ascii=False) if changes else ""


def read_changes(text: str) -> Any:
    """The JSON of what the operator wrote. Raises ValueError, also for a duplicate name."""
    try:
        changes = json.loads(text, object_pairs_hook=_once, parse_constant=_no_json)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    refuse_unstorable(changes)
    return changes


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"“{twice}” occurs twice in one object")
    return members


def _no_json(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


FIELDS = (
    "name", "url", "preset", "auth", "header_name", "token_url", "username", "client_id", "scope",
    "audience", "idempotency_header", "allow_plain_http", "batch_size", "concurrency",
    "delay_seconds", "timeout_seconds", "max_attempts", "retry_delay_seconds",
)  # fmt: skip
WIDTH = 24


def as_text(api: CustomerApi) -> str:
    """Settings, the whole mapping with where each value comes from, one's own as written."""
    origins = {"own": "own mapping", "preset": f"preset {api.preset}", "default": "default"}
    values = values_in_force(api.preset, api.mapping)
    width = max(len(value.path) for value in values)
    lines = [f"{name:<{WIDTH}}{value}" for name, value in _settings(api).items() if value != ""]
    lines += ["", "Mapping in force:"]
    lines += [f"  {v.path:<{width}}  {v.text}  ({origins[v.origin]})" for v in values]
    if own := text_of(api.mapping, api.mapping_text):
        lines += ["", "Own mapping, as it was written:", own.rstrip("\n")]
    return "\n".join(lines)


def as_json(api: CustomerApi) -> str:
    """One object: the settings, `mapping` whole, `origins` by path, `own_mapping` as written."""
    values = values_in_force(api.preset, api.mapping)
    shown = _settings(api) | {
        "mapping": mapping_of(api).document(),
        "origins": {value.path: value.origin for value in values},
        "own_mapping": text_of(api.mapping, api.mapping_text),
    }
    return json.dumps(shown, ensure_ascii=False)


def _settings(api: CustomerApi) -> dict[str, Any]:
    shown = {name: getattr(api, name) for name in FIELDS}
    shown |= {name: "stored" if getattr(api, name) else "" for name in SECRETS}
    return shown | {"ca_certificates": api.ca_certificates.count("BEGIN CERTIFICATE") or ""}
