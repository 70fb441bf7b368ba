"""The peer: what an operator would write without Redrive. requests, 8 threads, nothing recorded.

`python bare_script.py URL FILE BATCHES` posts lists of 50 from the file; it prints seconds.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from pathlib import Path

import requests

THREADS, BATCH = 8, 50
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer bench-token"}


def main(url: str, path: str, batches: int) -> None:
    """Bodies are made before the clock starts, so that only posting is measured."""
    customers = json.loads(Path(path).read_bytes())["data"]
    starts = range(0, len(customers), BATCH)
    bodies = [json.dumps({"data": customers[at : at + BATCH]}).encode() for at in starts]
    work: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for number in range(batches):
        work.put(bodies[number % len(bodies)])

    def post() -> None:
        session = requests.Session()
        while True:
            try:
                body = work.get_nowait()
            except queue.Empty:
                return
            session.post(url, data=body, headers=HEADERS, timeout=30).raise_for_status()

    threads = [threading.Thread(target=post) for _ in range(THREADS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(f"{time.perf_counter() - started}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
