"""Every way a bill download can fail: who must act, whether it is tried again, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imports.messages import MessageError, Text, sentence
from imports.messages import marked as _

NOT_STARTED = sentence("NOT_STARTED", _("It did not start: {error}"))
WEB_PAGE = sentence(
    "WEB_PAGE", _('The portal answered with a page (HTTP {status}), not with a PDF: "{title}".')
)
DOWNLOADED_PAGE = sentence("DOWNLOADED_PAGE", _('The file is a web page, not a PDF: "{title}".'))
PAGE_CAME = sentence("PAGE_CAME", _('The portal answered with the page "{title}".'))
PAGE_OF_ANOTHER = sentence("PAGE_OF_ANOTHER", _("What opened belongs to {other}, not to {bill}."))
SHOWS_NONE_OF_IT = sentence(
    "SHOWS_NONE_OF_IT",
    _("The document for {bill} names {other}, and neither the bill's number, date nor amount."),
)
NAMES_ANOTHER = sentence(
    "DOCUMENT_NAMES_ANOTHER",
    _("The document for {bill} names bill {other} of the list, and not its own number."),
)
SEVERAL_DOCUMENTS = sentence("SEVERAL_DOCUMENTS", _("{bill} has several documents: {names}."))
MISSING = sentence("MISSING", _("Missing: {bills}."))
AND_MORE = sentence("AND_MORE", _("{bills} and {n} more"))
SKIPPED_ROW = sentence("SKIPPED_ROW", _("{row} is no bill: {names}."))
NOT_PRINTED = sentence("NOT_PRINTED", _("The page could not be printed to a PDF: {reason}"))
ERROR_AS_PDF = sentence("ERROR_AS_PDF", _("The PDF says only “{text}”."))
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
WAS_STOPPED = sentence(
    "PASSWORD_STOPPED",
    _("The log-in form was about to send the password to {site}. It was stopped."),
)
COVERED = sentence(
    "COVERED", _("{cover} covers the button. Name the button that closes it in overlays.")
)
PASSWORD_NOT_KEPT = sentence(
    "PASSWORD_NOT_KEPT", _("The password box does not keep what is typed. Nothing was sent.")
)
OTHER_USER = sentence(
    "OTHER_USER", _("The log-in form is filled in for another user. Nothing was typed.")
)
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
BLOCKED_HOSTS = sentence(
    "BLOCKED_HOSTS",
    _("Blocked, because the portal's hosts do not list them: {hosts}."),
)
FRAME_ELSEWHERE = sentence(
    "FRAME_ELSEWHERE",
    _("Redrive types no password in a frame of {site}: password_hosts does not list it."),
)
OFFERED = sentence("OFFERED", _("The page offers: {names}."))
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
DIALOG_REFUSED = sentence(
    "DIALOG_REFUSED",
    _('A dialog asked "{text}" and got "Cancel". The recipe\'s dialogs can answer it otherwise.'),
)
TOO_MANY_DIALOGS = sentence("TOO_MANY_DIALOGS", _("The page opened more than {most} dialogs."))
TOO_MANY_WINDOWS = sentence("TOO_MANY_WINDOWS", _("The page opened more than {most} windows."))
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
CODE_REFUSED = sentence(
    "CODE_REFUSED",
    _(
        "The portal did not accept the code, {n} tries. Compare the account's TOTP secret, and "
        "this machine's clock."
    ),
)
NO_CODE_BOX = sentence("NO_CODE_BOX", _("The page shows no box for a code."))
NO_CODE_CAME = sentence(
    "NO_CODE_CAME",
    _("Nobody entered it within {n} minutes."),
    _("Nobody entered it within a minute."),
)
SESSION_TOO_LARGE = sentence(
    "SESSION_TOO_LARGE", _("What the browser remembers of this portal is too large to be kept.")
)
ROWS_IN_FRAME = sentence(
    "ROWS_IN_FRAME",
    _("A frame of the page shows {n} rows that look like bills: they are not read."),
)
REQUEST_OPEN = sentence("REQUEST_OPEN", _("{address} has not answered."))
NOT_STILL = sentence("NOT_STILL", _("The list did not come to rest within {limit} s. {why}"))
ROWS_VANISH = sentence("ROWS_VANISH", _("{n} rows vanished from the page while it was scrolled."))
ENDLESS = sentence("ENDLESS", _("After {n} rows the list still has no end."))
NO_MORE_CAME = sentence("NO_MORE_CAME", _("After {n} rows, “Load more” brought no others."))
PROMISED = sentence("PROMISED", _("The page speaks of {promised}, {seen} were seen."))
PROMISED_PAGES = sentence(
    "PROMISED_PAGES", _("The page speaks of {promised} pages, {seen} were seen.")
)
ANSWER_SAYS = sentence("ANSWER_SAYS", _("Asked for more, the portal answered “{text}”."))
BILLS_IN_HIDDEN_ROWS = sentence(
    "BILLS_IN_HIDDEN_ROWS", _("The page holds {n} more documents in rows that it does not show.")
)
ONLY_SOME = sentence("ONLY_SOME", _("The page says “{text}” and does not list the others."))
FILTER_DEAD = sentence("FILTER_DEAD", _("{name}: choosing “{option}” changed nothing."))
LIMITED = sentence("LIMITED", _("The list is limited by a date ({name}). Set it in bills.steps."))
NO_FILTER = sentence("NO_FILTER", _("bills.each: the page does not show {what}."))
NOT_AMONG = sentence("NOT_AMONG", _("None of the {n} accounts is “{account}”."))
NO_SIGN = sentence("NO_SIGN", _("The page does not show “{sign}” (bills.account_sign)."))
SHOWS_ANOTHER = sentence("SHOWS_ANOTHER", _("The page shows the account “{other}”."))
SAYS_BROKEN = sentence("SAYS_BROKEN", _("The page says “{text}”."))
UNKNOWN_CONTROL = sentence(
    "UNKNOWN_CONTROL", _("{row} has a button that is not known to open a document: “{name}”.")
)
UNKNOWN_DOCUMENT = sentence(
    "UNKNOWN_DOCUMENT", _("Beside the list stands a document that may be a bill: “{text}”.")
)
ONLY_PAYMENTS = sentence(
    "ONLY_PAYMENTS", _("The list shows {n} documents of payments, and no bill.")
)
REQUEST_FAILED = sentence(
    "REQUEST_FAILED",
    _(
        "{address} failed ({why}) while the list was read. If it has nothing to do with bills, "
        "name it in bills.not_needed."
    ),
)
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
SOME_BROKEN = sentence("SOME_BROKEN", _("{n} of {total} new bills could not be kept."))
TIME_OVER = sentence("TIME_OVER", _("The attempt's {limit} s were over."))


class Actor(StrEnum):
    """Who must act before the next try can go better."""

    US = "us"  # whoever runs Redrive: a recipe, a setting, a machine
    OPERATOR = "operator"  # whoever looks after the credentials
    PORTAL = "portal"  # the other side: it passes, or they must be told


class Rule(StrEnum):
    """What follows a failure."""

    RETRY = "retry"  # try again, up to the portal's attempts
    STOP = "stop"  # trying again changes nothing, or does harm: ask the operator
    DEFER = "defer"  # "not now": come back later; costs no attempt
    PAUSE = "pause"  # no credential is at fault: the job waits for a person; costs no attempt


class Code(StrEnum):
    """The name of a failure, as operators filter on it."""

    TIMEOUT = "TIMEOUT"
    NETWORK = "NETWORK"
    SITE_5XX = "SITE_5XX"
    NAVIGATION = "NAVIGATION"
    DOWNLOAD_BAD = "DOWNLOAD_BAD"
    DOWNLOAD_LIMIT = "DOWNLOAD_LIMIT"
    DOCUMENT_UNCLEAR = "DOCUMENT_UNCLEAR"
    DOCUMENT_PASSWORD = "DOCUMENT_PASSWORD"  # noqa: S105 - a code, not a password
    ZIP_REFUSED = "ZIP_REFUSED"
    SESSION_LOST = "SESSION_LOST"
    SCRIPT_ERROR = "SCRIPT_ERROR"
    BAD_SCRIPT = "BAD_SCRIPT"
    BROWSER_CRASH = "BROWSER_CRASH"
    LOGIN_FAILED = "LOGIN_FAILED"
    UNRECOGNISED_PAGE = "UNRECOGNISED_PAGE"
    NO_BILLS_BUT_HAD_BEFORE = "NO_BILLS_BUT_HAD_BEFORE"
    LIST_INCOMPLETE = "LIST_INCOMPLETE"
    TWO_BILLS_ONE_KEY = "TWO_BILLS_ONE_KEY"
    SEVERAL_ACCOUNTS = "SEVERAL_ACCOUNTS"
    WRONG_ACCOUNT = "WRONG_ACCOUNT"
    OLDER_BILLS_ELSEWHERE = "OLDER_BILLS_ELSEWHERE"
    LOCKED = "LOCKED"
    PASSWORD_EXPIRED = "PASSWORD_EXPIRED"  # noqa: S105 - a code, not a password
    ACTION_NEEDED = "ACTION_NEEDED"
    OTP_NEEDED = "OTP_NEEDED"
    CAPTCHA = "CAPTCHA"
    FORBIDDEN = "FORBIDDEN"
    OTHER_SITE = "OTHER_SITE"
    RATE_LIMITED = "RATE_LIMITED"
    MAINTENANCE = "MAINTENANCE"
    INTERRUPTED = "INTERRUPTED"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means: `sentence` says what is wrong, `remedy` what to do about it."""

    actor: Actor
    rule: Rule
    sentence: str
    remedy: str


MEANINGS: dict[Code, Meaning] = {
    Code.TIMEOUT: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("The portal did not answer in time."),
        _("Retry later. If the portal is always slow, raise the time limit of one attempt."),
    ),
    Code.NETWORK: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("The portal could not be reached."),
        _("Open the login URL in a browser. If it fails there too, wait for the portal."),
    ),
    Code.SITE_5XX: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("The portal answered with a server error."),
        _("The account is not the cause. Retry when the portal works again."),
    ),
    Code.NAVIGATION: Meaning(
        Actor.US,
        Rule.RETRY,
        _("The portal's pages do not match the recipe."),
        _("See the screenshot, then correct the portal's recipe."),
    ),
    Code.DOWNLOAD_BAD: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("The download is not a complete PDF."),
        _("Retry later. If it fails again, open the bill at the portal yourself."),
    ),
    # Not deferred: that would hold back the portal's other accounts, for a day.
    Code.DOWNLOAD_LIMIT: Meaning(
        Actor.PORTAL,
        Rule.STOP,
        _("The portal allows no more downloads for now."),
        _("The downloaded bills are kept. Retry when the portal's limit is over to get the rest."),
    ),
    Code.DOCUMENT_UNCLEAR: Meaning(
        Actor.US,
        Rule.STOP,
        _("It is not clear which document is the bill."),
        _("Name the right one in the recipe (bills.link, bills.document or bills.in_zip)."),
    ),
    Code.DOCUMENT_PASSWORD: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The bill's file is protected by a password."),
        _("Put its password into a column of the CSV and name the column in bills.file_password."),
    ),
    Code.ZIP_REFUSED: Meaning(
        Actor.PORTAL,
        Rule.STOP,
        _("The ZIP file is not safe to unpack."),
        _("Open the bill at the portal yourself, and tell the portal about the file."),
    ),
    Code.SESSION_LOST: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("The portal ended the session before all bills were fetched."),
        _("Make sure that nobody else logs in to the account, then retry."),
    ),
    Code.SCRIPT_ERROR: Meaning(
        Actor.US,
        Rule.RETRY,
        _("The portal's script failed."),
        _("Correct the script at the line named, then retry."),
    ),
    Code.BAD_SCRIPT: Meaning(
        Actor.US,
        Rule.PAUSE,
        _("The portal's script cannot be used."),
        _("Correct the script, then resume. You need not restart the worker."),
    ),
    Code.BROWSER_CRASH: Meaning(
        Actor.US,
        Rule.RETRY,
        _("The browser crashed."),
        _("Retry. If it crashes again, check the memory of the worker's host."),
    ),
    Code.LOGIN_FAILED: Meaning(
        Actor.OPERATOR,
        Rule.RETRY,
        _("The portal refused the e-mail or the password."),
        _(
            "Correct the password, then retry. Portals lock an account after a few wrong "
            "passwords."
        ),
    ),
    # Tried again because a page that has not finished loading looks the same. The password may
    # have been refused in words we don't know, so such a try counts against the portal's limit
    # on refused passwords; it stays what it is, a page not recognised, when that is reached.
    Code.UNRECOGNISED_PAGE: Meaning(
        Actor.US,
        Rule.RETRY,
        _("The portal showed a page that Redrive does not recognise."),
        _("See the screenshot, then describe the page in the recipe's outcomes."),
    ),
    Code.NO_BILLS_BUT_HAD_BEFORE: Meaning(
        Actor.US,
        Rule.RETRY,
        _("No bills were found, but this account had bills before."),
        _("See the screenshot. Most likely the recipe no longer matches the list of bills."),
    ),
    Code.LIST_INCOMPLETE: Meaning(
        Actor.US,
        Rule.RETRY,
        _("Not every row of the list of bills could be accounted for."),
        _(
            "The downloaded bills are kept. See the screenshot, then describe the list in the "
            "portal's recipe: bills.rows, bills.link, bills.wait, bills.more or bills.count."
        ),
    ),
    Code.TWO_BILLS_ONE_KEY: Meaning(
        Actor.US,
        Rule.STOP,
        _("Two bills of the list can't be told from each other."),
        _(
            "Compare the two at the portal, then tell the recipe where their numbers, dates or "
            "contracts stand: bills.number, bills.date, bills.contract."
        ),
    ),
    Code.SEVERAL_ACCOUNTS: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The login has several accounts, and Redrive does not know which one to use."),
        _(
            "Give the CSV a column with the account's number as the portal shows it, or choose "
            "the account in the recipe (bills.steps or bills.each)."
        ),
    ),
    Code.WRONG_ACCOUNT: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal shows another customer's account. Nothing was kept."),
        _(
            "Compare the user name and the account's number in the CSV with the portal. If the "
            "page is right all the same, name what proves it in bills.account_sign."
        ),
    ),
    Code.OLDER_BILLS_ELSEWHERE: Meaning(
        Actor.US,
        Rule.STOP,
        _("Part of the list is behind a year, a period or a tab that could not be shown."),
        _("The downloaded bills are kept. Tell the recipe how to show the others: bills.each."),
    ),
    Code.LOCKED: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal has locked this account."),
        _("Have the portal unlock the account, check the password, then retry."),
    ),
    Code.PASSWORD_EXPIRED: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal asks for a new password."),
        _("Log in at the portal, choose a new password, enter it here, then retry."),
    ),
    Code.ACTION_NEEDED: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal wants something from the account's owner first."),
        _("Log in at the portal, do what the page asks (terms, contact details), then retry."),
    ),
    Code.OTP_NEEDED: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal asks for a one-time code."),
        _(
            "Store the account's TOTP secret, or retry and enter the code while the job's page "
            "asks for it."
        ),
    ),
    Code.CAPTCHA: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal asks for proof that you are human (CAPTCHA)."),
        _("Log in at the portal once, wait some hours, then retry with fewer logins at once."),
    ),
    Code.FORBIDDEN: Meaning(
        Actor.US,
        Rule.STOP,
        _("The portal refuses this browser (HTTP 403)."),
        _(
            "Open the login URL in a browser on the same network. If it opens there, set the "
            "recipe's user_agent to that browser's. If not, ask the portal to allow your address."
        ),
    ),
    Code.OTHER_SITE: Meaning(
        Actor.US,
        Rule.STOP,
        _("The portal leads to another site."),
        _(
            "Check where it leads. If that is right, add the host to the recipe's hosts (to its "
            "password_hosts, where the portal has its log-in there)."
        ),
    ),
    Code.RATE_LIMITED: Meaning(
        Actor.PORTAL,
        Rule.DEFER,
        _("The portal says that there are too many logins."),
        _("Wait, then retry with fewer logins at once and a longer delay between them."),
    ),
    Code.MAINTENANCE: Meaning(
        Actor.PORTAL,
        Rule.DEFER,
        _("The portal is closed for maintenance."),
        _("Retry when the portal is open again."),
    ),
    Code.INTERRUPTED: Meaning(
        Actor.US,
        Rule.DEFER,
        _("The worker was stopped during the attempt."),
        _("Retry. The account is not the cause."),
    ),
}


# What is wrong, as a message, by code.
SAID = {code: sentence(f"PORTAL_{code}", meaning.sentence) for code, meaning in MEANINGS.items()}


class PortalError(MessageError):
    """Ends an attempt with a code. `detail` adds to the code's sentence what was seen.

    `retry_after` is in seconds, where the portal named a time. Never put a secret in `detail`.
    """

    def __init__(self, code: Code, detail: Text = "", *, retry_after: float | None = None) -> None:
        super().__init__(SAID[code] + detail)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
