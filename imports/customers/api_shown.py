"""An API for people and programs to read: its settings and its mapping, never a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imports.customers.mapping_origins import text_of, values_in_force
from imports.customers.setup import mapping_of

if TYPE_CHECKING:
    from imports.models import CustomerApi

FIELDS = (
    "name", "url", "preset", "auth", "header_name", "token_url", "username", "client_id", "scope",
    "audience", "idempotency_header", "allow_plain_http", "batch_size", "concurrency",
    "delay_seconds", "timeout_seconds", "max_attempts", "retry_delay_seconds",
)  # fmt: skip
SECRETS = ("secret", "client_secret", "extra_headers")
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
