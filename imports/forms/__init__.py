"""Forms of the operator's pages."""

from imports.forms.apis import CustomerApiForm
from imports.forms.channels import ChannelForm
from imports.forms.jobs import JobSettingsForm, NewImportForm

__all__ = ["ChannelForm", "CustomerApiForm", "JobSettingsForm", "NewImportForm"]
