"""What is added to a failure's sentence: what was seen of it. Filled in with `format`."""

from __future__ import annotations

from imports.messages import marked as _
from imports.messages import sentence

NOT_STARTED = sentence("NOT_STARTED", _("It did not start: {error}"))
WEB_PAGE = sentence(
    "WEB_PAGE", _('The portal answered with a page (HTTP {status}), not with a PDF: "{title}".')
)
DOWNLOADED_PAGE = sentence("DOWNLOADED_PAGE", _('The file is a web page, not a PDF: "{title}".'))
PAGE_CAME = sentence("PAGE_CAME", _('The portal answered with the page "{title}".'))
PAGE_OF_ANOTHER = sentence("PAGE_OF_ANOTHER", _("What opened belongs to {other}, not to {bill}."))
SEVERAL_DOCUMENTS = sentence("SEVERAL_DOCUMENTS", _("{bill} has several documents: {names}."))
MISSING = sentence("MISSING", _("Missing: {bills}."))
AND_MORE = sentence("AND_MORE", _("{bills} and {n} more"))
SKIPPED_ROW = sentence("SKIPPED_ROW", _("{row} is no bill: {names}."))
NOT_PRINTED = sentence("NOT_PRINTED", _("The page could not be printed to a PDF: {reason}"))
NO_PAGES = sentence("NO_PAGES", _("The PDF has no pages."))
PAGES_MISSING = sentence("PAGES_MISSING", _("The PDF has {found} of its {declared} pages."))
BROKEN_PAGE = sentence("BROKEN_PAGE", _("Page {page} of the PDF is broken."))
NOT_OPENED = sentence("NOT_OPENED", _("The PDF can't be opened: {reason}"))
WRONG_FILE_PASSWORD = sentence(
    "WRONG_FILE_PASSWORD", _("The password in bills.file_password does not open it.")
)
ZIP_BROKEN = sentence("ZIP_BROKEN", _("The ZIP file is broken: {reason}"))
ZIP_WITHOUT_PDF = sentence("ZIP_WITHOUT_PDF", _("The ZIP file holds no PDF but {names}."))
ZIP_ENTRIES = sentence("ZIP_ENTRIES", _("It holds more than {most} files."))
ZIP_SIZE = sentence("ZIP_SIZE", _("It unpacks to more than {most} MB."))
ZIP_NAME = sentence("ZIP_NAME", _("It names a place outside of itself: {name}."))
ZIP_LINK = sentence("ZIP_LINK", _("It holds a link: {name}."))
ZIP_NESTED = sentence("ZIP_NESTED", _("It holds another archive: {name}."))
ZIP_ENCRYPTION = sentence("ZIP_ENCRYPTION", _("Its kind of encryption is not supported."))
ZIP_OTHERS = sentence("ZIP_OTHERS", _("{bill}: the ZIP file also held {names}."))
NO_SCRIPT = sentence("NO_SCRIPT", _('There is no portal script "{name}". Known: {known}.'))
SCRIPT_AT = sentence("SCRIPT_AT", _("{file}, line {line}: {error}"))
LINK_LEADS_TO = sentence("LINK_LEADS_TO", _("The bill's link leads to {site}."))
NO_DOWNLOAD = sentence(
    "NO_DOWNLOAD", _("Nothing was downloaded when the bill's link was pressed.")
)
BAD_BASE64 = sentence("BAD_BASE64", _("The link's base64 can't be read."))
BROKE_OFF = sentence("DOWNLOAD_BROKE_OFF", _("The connection broke off before the file's end."))
SCRIPT_BROKE = sentence("SCRIPT_BROKE", _("The portal's script broke: {kind}: {error}"))
SCRIPT_FAILED = sentence("SCRIPT_FAILED", _("The portal's script broke: {kind}."))
WAITED = sentence("WAITED", _("Waited in vain: {what}"))
CUT_OFF = sentence(
    "CUT_OFF", _("The file is cut off after {size} bytes: its end marker is missing.")
)
TOO_LARGE = sentence("BILL_TOO_LARGE", _("It has {size} bytes: too large for a bill."))
EMPTY = sentence("EMPTY", _("The file is empty."))
NO_HEADER = sentence("NO_HEADER", _("The file does not begin with %PDF-."))
LEADS_TO = sentence("LEADS_TO", _("It leads to {site}."))
BROWSER_SAYS = sentence("BROWSER_SAYS", _("The browser says: {reason}."))
WOULD_GO_TO = sentence("WOULD_GO_TO", _("The password would go to {site}. Nothing was typed."))
ANSWERED = sentence("ANSWERED", _("It answered HTTP {status}."))
ASKS = sentence("ASKS", _("It still asks for a password."))
FOR_NEW_PASSWORD = sentence(
    "FOR_NEW_PASSWORD",
    _(
        "The page asks for a new password, not for the present one. Nothing was typed. If this is "
        "the log-in form, name its box in login.password."
    ),
)
FOR_SIGN_UP = sentence(
    "FOR_SIGN_UP",
    _(
        "The page's form is for new customers, not for logging in. Nothing was typed. If this is "
        "the log-in form, name its box in login.password."
    ),
)
TWO_FORMS = sentence(
    "TWO_FORMS",
    _(
        "The page has two log-in forms that lead to different places. Nothing was typed. Name the "
        "right box in login.password."
    ),
)
NO_USER_BOX = sentence(
    "NO_USER_BOX",
    _("login.email: the log-in form has no box for the e-mail or user name. Nothing was typed."),
)
ANOTHER_BOX = sentence(
    "ANOTHER_BOX",
    _('The log-in form also asks for "{label}". Nothing was typed. Fill it in with login.steps.'),
)
PASSWORD_BOX = sentence("PASSWORD_BOX", _("box for the password"))
HTTP_AUTHENTICATION = sentence(
    "HTTP_AUTHENTICATION",
    _("The portal asks for HTTP authentication ({scheme}), which cannot be answered here."),
)
HTTP_REFUSED = sentence(
    "HTTP_REFUSED", _("It answered the log-in by HTTP authentication with HTTP 401 again.")
)
DIALOG = sentence("DIALOG", _('A dialog ({kind}) said "{text}": {answer}.'))
PAGE_SAYS = sentence("PAGE_SAYS", _('Its page says "{text}".'))
DIALOG_SAID = sentence("DIALOG_SAID", _('A dialog said "{text}".'))
TOO_MANY_DIALOGS = sentence("TOO_MANY_DIALOGS", _("The page opened more than {most} dialogs."))
PRESSED = sentence("PRESSED", _('Pressed "{text}" to get past a page in between.'))
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
NO_KEY = sentence("NO_KEY", _("bills.rows: {row} shows neither a number, a date nor an amount."))
LOADING = sentence("LOADING", _("The page is still loading."))
CHANGING = sentence("CHANGING", _("The page is still changing."))
BUSY = sentence("BUSY", _("The page still says that it is busy."))
NO_WAIT_SIGN = sentence("NO_WAIT_SIGN", _("bills.wait is not shown."))
REQUEST_OPEN = sentence("REQUEST_OPEN", _("{address} has not answered."))
NOT_STILL = sentence("NOT_STILL", _("The list did not come to rest within {limit} s. {why}"))
ROWS_VANISH = sentence("ROWS_VANISH", _("{n} rows vanished from the page while it was scrolled."))
ENDLESS = sentence("ENDLESS", _("After {n} rows the list still has no end."))
NO_MORE_CAME = sentence("NO_MORE_CAME", _("After {n} rows, “Load more” brought no others."))
PROMISED = sentence("PROMISED", _("The page speaks of {promised}, {seen} were seen."))
PROMISED_PAGES = sentence(
    "PROMISED_PAGES", _("The page speaks of {promised} pages, {seen} were seen.")
)
FILTER_DEAD = sentence("FILTER_DEAD", _("{name}: choosing “{option}” changed nothing."))
LIMITED = sentence("LIMITED", _("The list is limited by a date ({name}). Set it in bills.steps."))
NO_FILTER = sentence("NO_FILTER", _("bills.each: the page does not show {what}."))
NOT_AMONG = sentence("NOT_AMONG", _("None of the {n} accounts is “{account}”."))
NO_SIGN = sentence("NO_SIGN", _("The page does not show “{sign}” (bills.account_sign)."))
UNKNOWN_CONTROL = sentence(
    "UNKNOWN_CONTROL", _("{row} has a button that is not known to open a document: “{name}”.")
)
UNKNOWN_DOCUMENT = sentence(
    "UNKNOWN_DOCUMENT", _("Beside the list stands a document that may be a bill: “{text}”.")
)
ONLY_PAYMENTS = sentence(
    "ONLY_PAYMENTS", _("The list shows {n} documents of payments, and no bill.")
)
REQUEST_FAILED = sentence("REQUEST_FAILED", _("{address} failed ({why}) while the list was read."))
SWITCH = sentence("SWITCH", _("The page offers “{text}”."))
DATE_DOUBT = sentence(
    "DATE_DOUBT",
    _(
        "Dates like {text} may have the day or the month first: they are kept as text. "
        "Set bills.date with a format."
    ),
)
NO_COUNT = sentence("NO_COUNT", _("bills.count: the page shows no number there."))
COUNT_DIFFERS = sentence(
    "COUNT_DIFFERS", _("bills.count: the page says {promised}, {seen} rows were seen.")
)
ONE_DOCUMENT = sentence(
    "ONE_DOCUMENT", _("{first} and {second} brought the same document. Neither was kept.")
)
KNOWN_DOCUMENT = sentence(
    "KNOWN_DOCUMENT", _("{second} brought the document that is kept as {first}.")
)
UNACCOUNTED = sentence("UNACCOUNTED", _("{seen} rows, of which {accounted} are accounted for."))
NEITHER = sentence("NEITHER", _("It shows neither bills nor that there are none."))
TOO_MANY_PAGES = sentence(
    "TOO_MANY_PAGES", _("bills.max_pages: there are more than {most} pages of bills.")
)
ASKED_AGAIN = sentence("ASKED_AGAIN", _("The portal asked for the password again when listing."))
NO_NEXT_PAGE = sentence(
    "NO_NEXT_PAGE", _("bills.next: page {page} did not come within {limit} s.")
)
NOT_SHOWN = sentence("NOT_SHOWN", _("{what}: the page shows no {names} (waited {limit} s)."))
NO_SUCH_COLUMN = sentence(
    "NO_SUCH_COLUMN", _('The credential has no column "{column}". Known: {known}.')
)
NO_COLUMN = sentence(
    "NO_COLUMN", _('bills.{field}: {row} has no column "{column}" (headings: {shown}).')
)
NO_FIELD = sentence("NO_FIELD", _("bills.{field}: {row} shows no {field}{seen}."))
IS_A_PAGE = sentence("IS_A_PAGE", _("The file is a web page, not a PDF."))
HAD_BEFORE = sentence("HAD_BEFORE", _("It had {n}."))
OF_BILL = sentence("OF_BILL", _("{bill}: {detail}"))
SOME_BROKEN = sentence("SOME_BROKEN", _("{n} of {total} new bills."))
TIME_OVER = sentence("TIME_OVER", _("The attempt's {limit} s were over."))
