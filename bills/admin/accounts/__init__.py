"""Stored accounts: their list and form, their CSVs, and the codes that are asked for."""

from bills.admin.accounts import pages

__all__ = ["pages"]
