"""The operator's pages for bills: portals, a job's credentials, bills, evidence."""

from bills.admin import bills, deliveries, jobs, portals

__all__ = ["bills", "deliveries", "jobs", "portals"]
