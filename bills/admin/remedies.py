"""Every code that bills can have as a cause of the Failures tab."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bills.advice import OWN, advice_on
from bills.portals.failures import Code
from imports.admin.causes import Remedy


class Remedies(Mapping[str, Remedy]):
    """Every code that bills can have, and what to do about it."""

    def __getitem__(self, code: str) -> Remedy:
        advice = advice_on(code)
        if not advice.who:
            raise KeyError(code)
        return Remedy(advice.who, advice.remedy)

    def __iter__(self) -> Iterator[str]:
        return iter([*Code, *OWN])

    def __len__(self) -> int:
        return len(Code) + len(OWN)
