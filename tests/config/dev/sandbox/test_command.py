"""`manage.py sandbox` as an operator starts it: a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from config.dev.sandbox.samples import customer
from tests.config.dev.sandbox.api_caller import ApiCaller

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
LONG_ENOUGH_SECONDS = 60


@contextmanager
def sandbox(*options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return next(word for word in process.stdout.readline().split() if "://" in word)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_serves_both_sites_and_ends_quietly(number: signal.Signals) -> None:
    with sandbox("--port", "0") as process:
        url = address_of(process)
        assert requests.get(f"{url}/portal/login", timeout=LONG_ENOUGH_SECONDS).ok
        assert set(ApiCaller(url).results([customer(0), customer(300)]).values()) == {
            "SUCCESS",
            "FAILED",
        }
        process.send_signal(number)
        process.wait(timeout=LONG_ENOUGH_SECONDS)
        assert process.stdout is not None
        assert process.stderr is not None
        assert "sandbox-token" in process.stdout.read()
        assert (process.returncode, process.stderr.read()) == (0, "")


def test_the_outage_can_be_left_out_and_remembered(tmp_path: Path) -> None:
    with sandbox("--port", "0", "--outage-tries", "0") as process:
        assert "SUCCESS" in ApiCaller(address_of(process)).results([customer(300)]).values()
    state = ["--state", str(tmp_path / "outage.json"), "--outage-tries", "1"]
    for result in ("FAILED", "SUCCESS"):
        with sandbox("--port", "0", *state) as process:
            assert result in ApiCaller(address_of(process)).results([customer(300)]).values()


def test_a_port_in_use_is_one_sentence_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with sandbox("--port", port) as process:
            _, errors = process.communicate(timeout=LONG_ENOUGH_SECONDS)
    assert process.returncode == 2
    assert f"can't listen on port {port}" in errors
    assert "--port" in errors
    assert "Traceback" not in errors
