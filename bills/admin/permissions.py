"""What an act on bills needs, besides what imports.admin.permissions names."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from imports.admin.permissions import ADD, WORDS

VIEW_BILL = "bills.view_bill"
VIEW_PORTAL = "bills.view_portal"
MANAGE_PORTALS = "bills.manage_portals"
MANAGE_CREDENTIALS = "bills.manage_credentials"
NEW_JOB = (ADD, MANAGE_CREDENTIALS)  # its CSV is stored as credentials
TEST_PORTAL = (MANAGE_PORTALS, MANAGE_CREDENTIALS)  # a password may be entered for it

WORDS.update(
    {
        VIEW_BILL: _("See bills"),
        VIEW_PORTAL: _("See portals"),
        MANAGE_PORTALS: _("Manage portals"),
        MANAGE_CREDENTIALS: _("Upload credentials, enter passwords"),
    }
)
