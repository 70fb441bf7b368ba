"""The peer of an import: the script one would write. It looks at each record's result.

`python import_script.py URL FILE THREADS` posts the whole file. It prints seconds from the opened
file to the last answer, and from the first request. Nothing is recorded.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from pathlib import Path

import requests

BATCH = 50
HEADERS = {"Authorization": "Bearer bench-token"}


def main(url: str, path: str, threads: int) -> None:
    started = time.perf_counter()
    customers = json.loads(Path(path).read_bytes())["data"]
    work: queue.SimpleQueue[list[dict[str, object]]] = queue.SimpleQueue()
    for at in range(0, len(customers), BATCH):
        work.put(customers[at : at + BATCH])
    failed: list[str] = []

    def post() -> None:
        session = requests.Session()
        while True:
            try:
                batch = work.get_nowait()
            except queue.Empty:
                return
            answer = session.post(url, json={"data": batch}, headers=HEADERS, timeout=30)
            answer.raise_for_status()
            results = answer.json()["data"]
            failed.extend(r["customerId"] for r in results if r["result"] != "SUCCESS")

    posting = time.perf_counter()
    running = [threading.Thread(target=post) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert not failed
    now = time.perf_counter()
    sys.stdout.write(f"{now - started} {now - posting}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
