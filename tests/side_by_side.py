"""In which order the files of tests are run side by side, and by which process.

Some tests mostly wait: for a browser, a lease, a killed process. Others compute. Run one kind
after the other, and the processors idle first and are fought over afterwards. So one half of the
processes begins with those that wait and the other half with those that compute, the longest
first, until each goes on with what the other has left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

WALKS = "tests/browser/"
# What a test's id begins with, the longest first; last come all others of a place.
WAITING = (
    WALKS, "tests/bills/test_monthly", "tests/faults/test_kills", "tests/bills/test_scenarios",
    "tests/faults/", "tests/bills/browser/test_hostile_pages", "tests/bills/browser/test_browser",
    "tests/bills/portals/lists/", "tests/config/dev/test_",
    "tests/config/dev/sandbox/test_command", "tests/config/test_installation",
    "tests/config/test_serving", "tests/bills/browser/", "tests/bills/portals/",
    "tests/bills/test_",
)  # fmt: skip
COMPUTING = (
    "tests/test_secrets", "tests/test_queries", "tests/config/test_middleware",
    "tests/config/test_routes", "tests/imports/ledger/test_state_machine", "tests/imports/admin/",
)  # fmt: skip


def rank(test: str) -> tuple[int, int]:
    """How early a test's file begins; files of equal rank stay in the order of their names."""
    for kind, places in enumerate((WAITING, COMPUTING)):
        for place, start in enumerate(places):
            if test.startswith(start):
                return kind, place
    return 2, 0


class TwoKinds(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Deals out files by their kind, and the walks of tests/browser together: they share an
    installation.
    """

    def _split_scope(self, nodeid: str) -> str:
        return WALKS if nodeid.startswith(WALKS) else nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        """The next file of the node's kind, or of the other where none is left."""
        waits = list(self.assigned_work).index(node) % 2 == 0
        own = (scope for scope in self.workqueue if (rank(scope)[0] == 0) is waits)
        self.workqueue.move_to_end(next(own, next(iter(self.workqueue))), last=False)
        super()._assign_work_unit(node)
