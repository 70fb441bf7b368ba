"""Opens and seals columns of the ledger's tables.

Beside each, `sealed_with` has the id of the key, or None where the value is plain. Each job has a
key of its own, and `about` names the place: the bytes of one batch do not open as another's.
"""

from __future__ import annotations

import base64

from imports.sealing import keys


def of_batch(batch_id: int) -> str:
    """What a batch's body is sealed as."""
    return f"batch {batch_id}"


def of_refused(position: int) -> str:
    """What the bytes of a record are sealed as that was never sent."""
    return f"record {position}"


def of_row(result_id: int) -> str:
    """What a corrected row is sealed as."""
    return f"row of {result_id}"


def of_answer(batch_id: int) -> str:
    """What an answer is sealed as."""
    return f"answer to {batch_id}"


def plain(
    stored: bytes | memoryview | None, sealed_with: int | None, about: str,
    ring: keys.Ring | None = None,
) -> bytes:  # fmt: skip
    """The bytes as they were stored. Raises Unreadable."""
    found = bytes(stored or b"")
    if sealed_with is None or not found:
        return found
    key = keys.opened(sealed_with) if ring is None else ring[sealed_with]
    return key.unseal(found, about)


def sealed_text(key: keys.DataKey, text: str, about: str) -> str:
    """A text, sealed, for a column of texts; none stays none."""
    return text and base64.b64encode(key.seal(text.encode(), about)).decode()


def plain_text(
    stored: str, sealed_with: int | None, about: str, ring: keys.Ring | None = None
) -> str:
    """The text as it was stored. Raises Unreadable."""
    if sealed_with is None:
        return stored
    return plain(base64.b64decode(stored), sealed_with, about, ring).decode()
