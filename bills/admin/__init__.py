"""The operator's pages for bills: portals, a job's credentials, bills, evidence."""

from bills.admin import bills, portals, workspace

__all__ = ["bills", "portals", "workspace"]
