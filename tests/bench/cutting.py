"""Cuts all of a job before a measurement, whichever way its kind goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imports.customers import portions
from imports.engine import runner

if TYPE_CHECKING:
    from imports.models import ImportJob


def cut(job: ImportJob) -> None:
    """Cut all of a started job into batches: in portions, too, where it may be."""
    runner.read_input(job)
    with portions.reading(job) as more:
        while more():
            pass
