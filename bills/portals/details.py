"""What is added to a failure's sentence: what was seen of it. Filled in with `format`."""

from __future__ import annotations

from imports.messages import marked as _
from imports.messages import sentence

NOT_STARTED = sentence("NOT_STARTED", _("It did not start: {error}"))
WEB_PAGE = sentence(
    "WEB_PAGE", _("The portal answered with a page (HTTP {status}), not with a PDF.")
)
LINK_LEADS_TO = sentence("LINK_LEADS_TO", _("The bill's link leads to {site}."))
NO_DOWNLOAD = sentence(
    "NO_DOWNLOAD", _("Nothing was downloaded when the bill's link was pressed.")
)
BAD_BASE64 = sentence("BAD_BASE64", _("The link's base64 can't be read."))
BROKE_OFF = sentence("DOWNLOAD_BROKE_OFF", _("The connection broke off before the file's end."))
SCRIPT_BROKE = sentence("SCRIPT_BROKE", _("The portal's script broke: {kind}: {error}"))
WAITED = sentence("WAITED", _("Waited in vain: {what}"))
CUT_OFF = sentence(
    "CUT_OFF", _("The file is cut off after {size} bytes: its end marker is missing.")
)
TOO_LARGE = sentence("BILL_TOO_LARGE", _("It has {size} bytes: too large for a bill."))
EMPTY = sentence("EMPTY", _("The file is empty."))
IS_A_PAGE = sentence("IS_A_PAGE", _("The file is a web page, not a PDF."))
NO_HEADER = sentence("NO_HEADER", _("The file does not begin with %PDF-."))
LEADS_TO = sentence("LEADS_TO", _("It leads to {site}."))
BROWSER_SAYS = sentence("BROWSER_SAYS", _("The browser says: {reason}."))
WOULD_GO_TO = sentence("WOULD_GO_TO", _("The password would go to {site}. Nothing was typed."))
ANSWERED = sentence("ANSWERED", _("It answered HTTP {status}."))
ASKS = sentence("ASKS", _("It still asks for a password."))
FORM_REPLACED = sentence(
    "FORM_REPLACED", _("The log-in form was replaced meanwhile. Nothing was typed.")
)
NO_LOGIN_PAGE = sentence("NO_LOGIN_PAGE", _("The login URL does not exist (HTTP 404)."))
TITLE = sentence("TITLE", _('Its title is "{title}"{status}.'))
NO_LINK = sentence("NO_LINK", _("bills.link: the row of {bill} shows no link."))
ROW_CHANGED = sentence("ROW_CHANGED", _("The list has changed: row {row} is another now."))
ALL_OTHERS = sentence(
    "ALL_OTHERS", _("Its {seen} rows all name other e-mail addresses. Set bills.own_row.")
)
NO_IDENTITY = sentence(
    "NO_IDENTITY", _("bills.rows: {row} shows neither a number nor a date. Set bills.number.")
)
NEITHER = sentence("NEITHER", _("It shows neither bills nor that there are none."))
TOO_MANY_PAGES = sentence(
    "TOO_MANY_PAGES", _("bills.max_pages: there are more than {most} pages of bills.")
)
ASKED_AGAIN = sentence("ASKED_AGAIN", _("The portal asked for the password again when listing."))
NO_NEXT_PAGE = sentence(
    "NO_NEXT_PAGE", _("bills.next: page {page} did not come within {limit} s.")
)
NOT_SHOWN = sentence("NOT_SHOWN", _("{what}: the page shows no {names} (waited {limit} s)."))
NO_SUCH_COLUMN = sentence("NO_SUCH_COLUMN", _('The credential has no column "{column}".'))
NO_COLUMN = sentence(
    "NO_COLUMN", _('bills.{field}: {row} has no column "{column}" (headings: {shown}).')
)
NO_FIELD = sentence("NO_FIELD", _("bills.{field}: {row} shows no {field}{seen}."))
HAD_BEFORE = sentence("HAD_BEFORE", _("It had {n}."))
OF_BILL = sentence("OF_BILL", _("{bill}: {detail}"))
SOME_BROKEN = sentence("SOME_BROKEN", _("{n} of {total} new bills."))
TIME_OVER = sentence("TIME_OVER", _("The attempt's {limit} s were over."))
PAGE_SAYS = sentence("PAGE_SAYS", _('Its page says "{words}".'))
