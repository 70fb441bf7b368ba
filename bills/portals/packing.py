"""What a page's scripts are asked and answer, as one JSON text.

Playwright wraps each value of a structure by itself, and the page, its driver and its client each
check every one of them: for a list of bills, that takes longer than reading the list.
"""

from __future__ import annotations

import json
from typing import Any

# Some old libraries give all lists or texts a `toJSON`, after which JSON no longer says what they
# are: on such a page the structure goes as it is.
_PACK = """value => [Object, Array, String, Number, Boolean].some(kind => kind.prototype.toJSON)
  ? value : JSON.stringify(value)"""


def packed(script: str) -> str:
    """The same function of a page, which may be async; its answer, no text, is for `unpacked`."""
    wait = "await " if script.startswith("async ") else ""
    return f"{'async ' if wait else ''}(...given) => ({_PACK})({wait}({script})(...given))"


def taking_text(script: str) -> str:
    """The same function of a page, its last argument given as JSON."""
    return f"(...given) => ({script})(...given.slice(0, -1), JSON.parse(given.at(-1)))"


def unpacked(answer: Any) -> Any:
    """What a packed script has answered."""
    return json.loads(answer) if isinstance(answer, str) else answer
