"""The operator's pages: a job's workspace, the ledger to look things up in, and the APIs."""

from imports.admin import apis, attempts, batches, channels, customers, home, jobs, people, results

__all__ = [
    "apis",
    "attempts",
    "batches",
    "channels",
    "customers",
    "home",
    "jobs",
    "people",
    "results",
]
