"""`make run` and `make worker`: what they start, and how that ends."""

from __future__ import annotations

import io
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from honcho.environ import parse_procfile
from honcho.printer import Printer

from config.dev import processes
from tests.config.commands import PROJECT, is_alive, kill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Runs two process guards of one small program under honcho, as `make run` does.
RUN = """
import sys
from config.dev import processes
processes.PROJECT = processes.Path(sys.argv[1])
processes.PROCESSES["run"] = ("worker",)
sys.exit(processes.run_processes("run", 2))
"""
KEPT = """
import os, signal, sys, time
if os.path.exists("busy"):
    def busy(*_):
        signal.signal(signal.SIGTERM, end)  # before anybody can know, and signal again
        os.write(1, b"finishing\\n")
else:
    busy = None
def end(*_):
    open(f"{os.getpid()} ended warmly", "w").close()
    os.write(1, b"ended warmly\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, busy or end)
print("ready", os.getpid(), flush=True)
open(f"{os.getpid()} is ready", "w").close()
while os.path.exists("chatty"):
    print("line " * 20, flush=True)
time.sleep(60)
"""


def write_procfile(folder: Path) -> None:
    """A worker that is the small program, kept by a process guard."""
    (folder / "kept.py").write_text(KEPT)
    keep = f"PYTHONPATH='{PROJECT}' exec python -m config.dev.process_guard python kept.py"
    (folder / "Procfile").write_text(f"worker: {keep}\n")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The process manager with two workers."""
    write_procfile(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    overdue = threading.Timer(170, process.kill)
    overdue.start()
    yield process
    overdue.cancel()
    process.kill()  # its workers end with it
    process.communicate()


@pytest.fixture
def workers(running: subprocess.Popen[str]) -> list[int]:
    """The process ids of both workers, which are ready."""
    return [worker_in(read_until(running, "ready")) for _ in range(2)]


def worker_in(line: str) -> int:
    """The process id that a worker says when it is ready."""
    return int(line.split("ready ")[1].strip().removesuffix("\x1b[0m"))


def read_until(process: subprocess.Popen[str], *words: str) -> str:
    """Read lines until each word was seen, in that order; the last line."""
    assert process.stdout is not None
    line = ""
    for word in words:
        while word not in (line := process.stdout.readline()):
            assert line, f"the output ended before {word!r}"
    return line


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_warmly_and_is_no_failure(
    running: subprocess.Popen[str], workers: list[int], how: signal.Signals
) -> None:
    running.send_signal(how)
    read_until(running, "ended warmly", "ended warmly")
    rest, _ = running.communicate(timeout=120)
    assert "Traceback" not in rest
    assert running.returncode == 0
    assert not any(is_alive(pid) for pid in workers)


def test_a_signal_in_the_middle_of_much_output_ends_all_too(
    tmp_path: Path, running: subprocess.Popen[str], workers: list[int]
) -> None:
    (tmp_path / "chatty").touch()
    kill(*workers)
    read_until(running, *["line"] * 100)
    running.send_signal(signal.SIGINT)
    (tmp_path / "chatty").unlink()
    assert "Traceback" not in running.communicate(timeout=120)[0]
    assert running.returncode == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's death signal")
def test_what_is_in_flight_is_finished_unless_ctrl_c_is_pressed_again(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    (tmp_path / "busy").touch()
    for _ in range(2):
        kill(worker_in(read_until(running, "ready")))
    workers = [worker_in(read_until(running, "ready")) for _ in range(2)]
    running.send_signal(signal.SIGINT)
    read_until(running, "finishing", "finishing")
    assert all(is_alive(pid) for pid in workers)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)
    assert not any(is_alive(pid) for pid in workers)
    assert running.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_disk_under_the_log_ends_nobody(tmp_path: Path) -> None:
    write_procfile(tmp_path)
    (tmp_path / "chatty").touch()
    with Path("/dev/full").open("w") as full:
        manager = subprocess.Popen(
            [sys.executable, "-c", RUN, str(tmp_path)], stdout=full, stderr=full, cwd=PROJECT
        )
    overdue = threading.Timer(170, manager.kill)
    overdue.start()
    try:
        wait_for(lambda: len(ready(tmp_path)) == 2)
        first = ready(tmp_path)[0]
        kill(first)
        wait_for(lambda: len(ready(tmp_path)) == 3)  # the guard's own line was lost, too
        assert manager.poll() is None
        (tmp_path / "chatty").unlink()
        manager.terminate()
        manager.wait(60)
        warmly = [pid for pid in ready(tmp_path) if (tmp_path / f"{pid} ended warmly").exists()]
        assert len(warmly) == 2
    finally:
        overdue.cancel()
        manager.kill()
        manager.wait()


def test_who_prints_faster_than_can_be_printed_has_to_wait() -> None:
    manager = processes.Processes(Printer(io.StringIO()))
    manager.events.cancel_join_thread()  # nobody reads them
    for _ in range(processes.LINES_AHEAD):
        manager.events.put_nowait("line")
    with pytest.raises(queue.Full):
        manager.events.put_nowait("one more")


def ready(folder: Path) -> list[int]:
    """The process ids of all workers that have begun."""
    return [int(path.name.split()[0]) for path in folder.glob("* is ready")]


def wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killing_one_worker_leaves_the_rest_running(
    running: subprocess.Popen[str], workers: list[int]
) -> None:
    kill(workers[0])
    again = worker_in(read_until(running, "starting again", "ready"))
    assert again not in workers
    assert is_alive(workers[1])
    assert running.poll() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's death signal")
def test_killing_the_manager_ends_all_warmly(
    running: subprocess.Popen[str], workers: list[int], tmp_path: Path
) -> None:
    processes_of_workers = [psutil.Process(pid) for pid in workers]
    running.kill()
    assert psutil.wait_procs(processes_of_workers, timeout=120)[1] == []
    assert all((tmp_path / f"{pid} ended warmly").exists() for pid in workers)


def test_every_process_of_run_and_worker_is_in_the_procfile() -> None:
    known = parse_procfile((PROJECT / "Procfile").read_text()).processes
    assert set(processes.PROCESSES["run"]) == set(known)
    assert set(processes.PROCESSES["worker"]) < set(known)


def test_a_port_in_use_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        said = f"Port {port} is in use. Stop what uses it, or: make run PORT={port + 10}"
        with pytest.raises(SystemExit, match=said):
            processes.settle_ports()
