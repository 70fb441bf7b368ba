"""Creates an API and a job of sample customers, starts it, and prints its id."""

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
    """The arguments of `begin`, in a process of its own."""
    import django

    from config.dev import servers

    servers.ensure_unnamed()
    django.setup()
    url, folder, customers, first, options = sys.argv[1:6]
    pk = begin(url, Path(folder), int(customers), int(first), json.loads(options))
    sys.stdout.write(f"{pk}\n")


if __name__ == "__main__":
    main()
