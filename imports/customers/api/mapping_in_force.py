"""The whole mapping in force, in the operator's layout, and the source of each value."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from imports.customers.api.mapping import preset
from imports.customers.api.presets import PRESETS
from imports.customers.api.setup import mapping_of
from imports.outside_text import refuse_unstorable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.models import CustomerApi

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
SECRETS = ("secret", "client_secret", "extra_headers", "client_certificate")
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
