"""Forms of the operator's pages."""

from imports.forms.apis import CustomerApiForm
from imports.forms.jobs import JobSettingsForm, NewImportForm

__all__ = ["CustomerApiForm", "JobSettingsForm", "NewImportForm"]
