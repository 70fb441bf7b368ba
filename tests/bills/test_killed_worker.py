"""kill -9 of a worker in mid-download: another one finishes, and nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from django.conf import settings as django_settings
from django.db import connection

from bills.models import Bill, CredentialUse
from bills.portal_setup import browsers_folder
from imports.engine import queue, sweeper
from tests.bills.runs import attempts_of, came_of, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from config.dev.sandbox.portal import PortalSite
    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
LONGEST_WAIT_SECONDS = 180


@pytest.fixture
def worker(installation: Path, messages: Any, settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process that listens to this test's queue and database."""
    database = connection.settings_dict
    host = (database["OPTIONS"] or {}).get("host") or database["HOST"]
    user = f"{database['USER']}:{database['PASSWORD'] or ''}"
    url = f"postgres://{user}@/{database['NAME']}?host={host}"
    environment = os.environ | {
        "DATABASE_URL": url,
        "REDIS_URL": django_settings.RQ_QUEUES["default"]["URL"],
        "REDRIVE_HOME": str(installation / "home"),
        "CREDENTIAL_KEYS": settings.CREDENTIAL_KEYS[0],
        "DEBUG": "1",
    }
    command = [sys.executable, str(ROOT / "manage.py"), "rqworker"]
    with (installation / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def wait_until(reached: Callable[[], bool], what: str) -> None:
    gives_up_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while not reached():
        assert time.monotonic() < gives_up_at, f"never came: {what}"
        time.sleep(0.05)


def test_a_worker_killed_in_mid_download_leaves_nothing_and_loses_nothing(
    make_bills: BillMaker,
    site: PortalSite,
    worker: subprocess.Popen[bytes],
    installation: Path,
    settings: Any,
    pass_time: Callable[[float], None],
) -> None:
    site.accounts.settings.drip_seconds = 0.01  # some 10 s for each bill
    settings.MEDIA_ROOT = installation / "home" / "media"
    job = make_bills("drip")
    queue.enqueue(job.pk)
    use = CredentialUse.objects.filter(batch__job=job)
    wait_until(lambda: use.filter(stage="download").exists(), "the download")
    wait_until(lambda: bool(_parts()), "the first bytes of a bill")
    children = psutil.Process(worker.pid).children(recursive=True)
    worker.kill()
    worker.wait()

    site.accounts.settings.drip_seconds = 0.0
    pass_time(1000.0)
    sweeper.sweep()
    assert list(browsers_folder().iterdir()) == []
    psutil.wait_procs(children, timeout=60)
    assert [child for child in children if _lives(child)] == []

    run(job)
    assert came_of(job, "drip").verdicts == ("retry", "success")
    assert attempts_of(job, "drip")[0].error_code == "WORKER_LOST"
    files = sorted((installation / "home" / "media").rglob("*.*"))
    assert sorted(Path(bill.file.path) for bill in Bill.objects.all()) == files
    assert len(files) == 3
    assert all(bill.size == bill.file.size for bill in Bill.objects.all())


def _parts() -> list[Path]:
    return [
        path for path in browsers_folder().rglob("*") if path.is_file() and "attempt" in str(path)
    ]


def _lives(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
