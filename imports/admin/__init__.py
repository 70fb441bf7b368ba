"""The operator's pages: a job's workspace, the ledger to look things up in, and the APIs."""

from imports.admin import apis, home, notifications, record_templates, users, watched
from imports.admin.job import customers, log, views
from imports.admin.records import lists

__all__ = [
    "apis", "customers", "home", "lists", "log", "notifications", "record_templates", "users",
    "views", "watched",
]  # fmt: skip
