"""What a dead process left behind is found by its name and removed, with its browsers."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

from bills.browser.chromium import (
    browsers_below,
    clean_abandoned,
    is_abandoned,
    is_running,
    new_folder,
)

if TYPE_CHECKING:
    from pathlib import Path

OWNER = """
import sys
from pathlib import Path
from bills.browser.browser import Browser
from bills.browser.chromium import browsers_below
from bills.browser.plan import Login, PortalPlan
from bills.portals.recipe_schema import load_recipe
from config.dev.browser import find_browser
browser = Browser(find_browser(), Path(sys.argv[1]))
plan = PortalPlan("http://127.0.0.1:1/", "", load_recipe({}), allow_private=True)
print(browser.submit(Login("ann@example.test", "pw"), plan).result().code, flush=True)
print(*[process.pid for process in browsers_below(browser.folder)], flush=True)
sys.stdin.read()
"""


def test_the_folder_of_a_running_process_is_not_removed(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    (folder / "file").touch()
    (tmp_path / "something-else").mkdir()
    assert clean_abandoned(tmp_path) == 0
    assert (folder / "file").exists()


def test_a_dead_owners_folder_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    folder = tmp_path / f"redrive-browser-{ended.pid}-1-ab"
    (folder / "profile").mkdir(parents=True)
    assert clean_abandoned(tmp_path) == 1
    assert not folder.exists()
    assert clean_abandoned(tmp_path) == 0


def test_a_process_that_took_over_the_number_is_not_the_owner(tmp_path: Path) -> None:
    now = psutil.Process()
    stranger = tmp_path / f"redrive-browser-{now.pid}-{int(now.create_time()) - 1000}-ab"
    assert is_abandoned(stranger)
    assert not is_abandoned(tmp_path / f"redrive-browser-{now.pid}-{int(now.create_time())}-ab")
    assert not is_abandoned(tmp_path / "redrive-browser-x-1-ab")


def test_a_parent_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert clean_abandoned(tmp_path / "none") == 0


def test_a_profile_folder_outside_is_not_ours(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "input()", f"--user-data-dir={tmp_path}-other/profile"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as other:
        assert list(browsers_below(tmp_path)) == []
        other.kill()


def test_nothing_of_a_killed_worker_stays_behind(tmp_path: Path) -> None:
    """kill -9 of the process, and of the driver between it and its browser."""
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "NETWORK\n"
        browsers = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        assert browsers
        family = psutil.Process(owner.pid).children(recursive=True)
        drivers = [process for process in family if process.ppid() == owner.pid]
        for browser in browsers:
            browser.suspend()  # or it would notice by itself that it is alone
        for process in (*drivers, owner):
            process.kill()
    assert clean_abandoned(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    assert not any(is_running(browser) for browser in browsers)
    psutil.wait_procs(drivers, timeout=60)
    assert not any(is_running(process) for process in family)
