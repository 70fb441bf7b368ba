"""Creates an API and a job of sample customers, and starts it; as often as it is asked to."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def begin(url: str, folder: Path, customers: int, first: int, options: dict[str, Any]) -> int:
    """The job's id. Django is set up, for the installation in which it is to run."""
    from config.dev.sandbox.samples import write_files
    from imports.customers import drafts
    from imports.engine import queue
    from imports.ledger import lifecycle
    from imports.models import CustomerApi

    api = CustomerApi.objects.create(
        name=f"sandbox {url} {first}", url=url, secret="sandbox-token",
        delay_seconds=0, retry_delay_seconds=0.1, **options,
    )  # fmt: skip
    job = drafts.new_draft(api, "under fire")
    for path in write_files(folder, customers, customers, first):
        drafts.add_path(job, path)
    lifecycle.start(job)
    queue.enqueue(job.pk)
    return job.pk


def main() -> None:
    """Makes a job for each line: the arguments of `begin`, as a list. Prints its id."""
    import django

    from config.dev import servers

    servers.ensure_unnamed()
    django.setup()
    from django.db import connection

    for line in sys.stdin:
        url, folder, customers, first, options = json.loads(line)
        connection.close()  # the database may have been killed since
        pk = begin(url, Path(folder), customers, first, options)
        connection.close()
        sys.stdout.write(f"{pk}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
