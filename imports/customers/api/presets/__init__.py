"""The mappings and speeds that Redrive ships. Each is tested on its documented answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imports.customers.api.presets.commerce import (
    BLOOMREACH,
    BRAZE,
    KLAVIYO,
    MAILCHIMP,
    SHOPIFY,
    SQUARE,
)
from imports.customers.api.presets.crm import (
    HUBSPOT,
    MARKETO,
    SALESFORCE,
    SALESFORCE_BULK,
    ZENDESK,
)
from imports.customers.api.presets.gk import GK, GK_HOUSEHOLDS
from imports.messages import Message, sentence


@dataclass(frozen=True, slots=True)
class Speed:
    """How hard an API is pressed: records a batch, batches at once, seconds between requests."""

    batch_size: int
    concurrency: int
    delay_seconds: float
    max_attempts: int


SPEEDS: dict[str, Speed] = {
    "conservative": Speed(batch_size=50, concurrency=2, delay_seconds=1.0, max_attempts=5),
    "balanced": Speed(batch_size=70, concurrency=3, delay_seconds=0.5, max_attempts=3),
    "aggressive": Speed(batch_size=100, concurrency=5, delay_seconds=0.2, max_attempts=2),
}

# An API that has no preset: nothing of another API's habits. Its own mapping says what differs.
PLAIN: dict[str, Any] = {
    "accepted": [200, 201],
    "request": {"envelope": "data", "max_records": 100, "max_bytes": 1_000_000},
    "record": {"id": ["id"], "email": ["email"]},
    "results": [
        {
            "at": "results",
            "holds": "all",
            "name": {"by": "id", "id": "id", "email": "email"},
            "success": {"path": "success", "equals": [True]},
            "code": "code",
            "message": "message",
        }
    ],
}

PRESETS: dict[str, dict[str, Any]] = {
    "gk": GK,
    "gk-households": GK_HOUSEHOLDS,
    "plain": PLAIN,
    "hubspot": HUBSPOT,
    "salesforce-collections": SALESFORCE,
    "salesforce-bulk": SALESFORCE_BULK,
    "marketo": MARKETO,
    "zendesk": ZENDESK,
    "bloomreach": BLOOMREACH,
    "braze": BRAZE,
    "mailchimp": MAILCHIMP,
    "klaviyo": KLAVIYO,
    "shopify": SHOPIFY,
    "square": SQUARE,
}

# The sentences above as messages, by their text: an operator's own mapping may say others.
OF_PRESETS: dict[str, Message] = {
    text: sentence(f"GK_{code}", text)
    for mapping in (GK,)
    for code, text in mapping.get("sentences", {}).items()
}
