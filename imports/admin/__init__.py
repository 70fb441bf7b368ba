"""The operator's pages: a job's workspace, the ledger to look things up in, and the APIs."""

from imports.admin import apis, home, notifications, users, watched
from imports.admin.job import customers, views
from imports.admin.record_templates import pages
from imports.admin.records import lists

__all__ = [
    "apis", "customers", "home", "lists", "notifications", "pages", "users", "views", "watched",
]  # fmt: skip
