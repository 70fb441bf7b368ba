"""Sentences that the ledger keeps: in English there, in the reader's language on a page.

What is kept must not depend on whose language a worker speaks: logs, exports and programs read
it too. So a sentence is marked where it is written, and `imports.admin.told` says it again.
"""

from __future__ import annotations

KEPT: dict[str, None] = {}  # every marked sentence, with {names} where something is put in


def kept(sentence: str) -> str:
    """The sentence itself, remembered. Fill it in with `format`.

    To be imported as `_` or `gettext_noop`: those are the names that `make locale` looks for.
    """
    KEPT[sentence] = None
    return sentence
