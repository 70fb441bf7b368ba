"""What a button for bills needs, besides what imports.admin.permissions names."""

VIEW_BILL = "bills.view_bill"
CHANGE_CREDENTIAL = "bills.change_credential"
CHANGE_PORTAL = "bills.change_portal"
