"""The adapters that ship, by the name that a mapping calls them by."""

from imports.customers.api.adapters.base import Adapter
from imports.customers.api.adapters.odata_batch import ODataBatch
from imports.customers.api.adapters.salesforce_bulk import SalesforceBulk

ADAPTERS: dict[str, Adapter] = {each.name: each for each in (SalesforceBulk(), ODataBatch())}
