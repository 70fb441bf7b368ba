"""The operator's pages for bills: portals, a job's credentials, bills, evidence."""

from bills.admin import accounts, bills, deliveries, jobs, portals, schedules

__all__ = ["accounts", "bills", "deliveries", "jobs", "portals", "schedules"]
