"""A request to stop can be made by a signal, whatever that interrupts."""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import Any

from imports.engine.stopping import StopRequest

TIMEOUT = 60


def test_a_signal_may_come_between_any_two_lines() -> None:
    stop, interrupted = StopRequest(), []

    def handler(frame: Any, event: str, _argument: object) -> Any:
        """What a signal's handler does, at each line of what follows."""
        if event == "line":
            sys.settrace(None)
            stop.set()
            interrupted.append(frame.f_lineno)
            sys.settrace(handler)
        return handler

    def use_it() -> None:
        sys.settrace(handler)
        for use in (stop.set, stop.clear, lambda: stop.wait(0), stop.is_set):
            use()
        sys.settrace(None)

    user = threading.Thread(target=use_it, daemon=True)
    user.start()
    user.join(TIMEOUT)
    assert not user.is_alive()
    assert len(interrupted) > 10
    assert stop.wait(TIMEOUT)


def test_a_wait_ends_when_it_is_set_and_may_be_repeated_once_it_is_cleared() -> None:
    stop = StopRequest()
    waiters = [threading.Thread(target=stop.wait, args=[TIMEOUT]) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    stop.set()
    for waiter in waiters:
        waiter.join(TIMEOUT)
        assert not waiter.is_alive()
    stop.clear()
    assert not stop.wait(0.0)


def test_another_process_that_sets_its_own_wakes_nobody_for_good() -> None:
    stop = StopRequest()
    if not (child := os.fork()):
        stop.set()
        os._exit(0)
    os.waitpid(child, 0)
    assert not stop.wait(TIMEOUT)  # it woke up once
    assert select.select([stop._wake_up], [], [], 0)[0] == []
