"""The seed's story: two batches of the sample customers fail until the cause is gone.

An outage hits the samples 50000001300-1349 and 50000001700-1749: two whole batches where the
1,000 samples are sent 50 at a time. It lasts for the first `tries` tries of each such customer
(FAILED, which may be repeated), then it is over for that customer. With as many tries as a
job has attempts (3 in the preset Balanced), the first job ends with two failed batches and its
retry succeeds. `repair()` ends it at once.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HIT_BY_OUTAGE = frozenset(
    str(number) for first in (50000001300, 50000001700) for number in range(first, first + 50)
)


class Outage:
    """Counts the tries of each customer that the outage hits. Safe from any thread.

    `memory` is a file that carries the counts over a restart of the sandbox; without one each
    start begins the story anew.
    """

    def __init__(self, tries: int = 0, memory: Path | None = None) -> None:
        self.tries = tries
        self._memory = memory
        self._lock = threading.Lock()
        self._tried: Counter[str] = Counter()
        if memory and memory.exists():
            self._tried.update(json.loads(memory.read_text()))

    def hit(self, ids: Sequence[str]) -> frozenset[str]:
        """Which of these customers fail this time. Counts the try."""
        if not self.tries or HIT_BY_OUTAGE.isdisjoint(ids):
            return frozenset()
        with self._lock:
            hit = {name for name in HIT_BY_OUTAGE.intersection(ids) if self._is_down(name)}
            self._tried.update(hit)
            if hit:
                self._remember()
        return frozenset(hit)

    def _is_down(self, name: str) -> bool:
        return self._tried[name] < self.tries

    def repair(self) -> int:
        """End the outage for everybody; the number of customers it still hit."""
        with self._lock:
            still_down = [name for name in HIT_BY_OUTAGE if self._is_down(name)]
            self._tried.update(dict.fromkeys(still_down, self.tries))
            self._remember()
        return len(still_down)

    def begin_anew(self) -> None:
        """Forget all tries, so that the story can be played once more."""
        with self._lock:
            self._tried.clear()
            self._remember()

    def _remember(self) -> None:
        if self._memory:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            beside = self._memory.with_suffix(".new")
            beside.write_text(json.dumps(self._tried))
            beside.replace(self._memory)
