"""Every way a bill download can fail: who must act, whether it is tried again, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imports.messages import MessageError, Text, sentence
from imports.messages import marked as _


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
        _("Try again later; if the portal is always slow, give the attempt a longer time limit."),
    ),
    Code.NETWORK: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("The portal could not be reached."),
        _("Open the login URL in a browser: if it fails there too, wait for the portal."),
    ),
    Code.SITE_5XX: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("The portal answered with an error of its own."),
        _("Nothing is wrong with the credential. Try again when the portal works."),
    ),
    Code.NAVIGATION: Meaning(
        Actor.US,
        Rule.RETRY,
        _("The portal's pages are not as the recipe expects."),
        _("Look at the screenshot and correct the portal's recipe."),
    ),
    Code.DOWNLOAD_BAD: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("What was downloaded is no whole PDF."),
        _("Try again later; if it stays so, open the bill at the portal by hand."),
    ),
    # Not deferred: that would hold back the portal's other accounts, for a day.
    Code.DOWNLOAD_LIMIT: Meaning(
        Actor.PORTAL,
        Rule.STOP,
        _("The portal gives out no more documents for now."),
        _("What was fetched is kept. Retry when the portal's limit is over: it fetches the rest."),
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
        _("Open the bill at the portal by hand, and tell the portal about the file."),
    ),
    Code.SESSION_LOST: Meaning(
        Actor.PORTAL,
        Rule.RETRY,
        _("The portal ended the session before all bills were fetched."),
        _("It is tried again with a fresh login. Keep others from logging in meanwhile."),
    ),
    Code.SCRIPT_ERROR: Meaning(
        Actor.US,
        Rule.RETRY,
        _("The portal's script failed."),
        _("Correct the script at the line named; the next attempt uses it."),
    ),
    Code.BAD_SCRIPT: Meaning(
        Actor.US,
        Rule.PAUSE,
        _("The portal's script cannot be used."),
        _("Correct the script, then resume. The worker need not be restarted."),
    ),
    Code.BROWSER_CRASH: Meaning(
        Actor.US,
        Rule.RETRY,
        _("The browser crashed."),
        _("It is tried again in a new browser; if it stays so, look at the machine's memory."),
    ),
    Code.LOGIN_FAILED: Meaning(
        Actor.OPERATOR,
        Rule.RETRY,
        _("The portal refused the e-mail or the password."),
        _(
            "Correct the password, then retry. Every refused try brings the account nearer to a "
            "lock."
        ),
    ),
    # Tried again because a page that has not finished loading looks the same. The password may
    # have been refused in words we don't know, so such a try counts against the portal's limit
    # on refused passwords; it stays what it is, a page not recognised, when that is reached.
    Code.UNRECOGNISED_PAGE: Meaning(
        Actor.US,
        Rule.RETRY,
        _("The portal showed a page that the recipe does not know."),
        _("Look at the screenshot and tell the recipe what this page means."),
    ),
    Code.NO_BILLS_BUT_HAD_BEFORE: Meaning(
        Actor.US,
        Rule.RETRY,
        _("No bill was found, though this account had bills before."),
        _("Look at the screenshot: most likely the recipe no longer fits the list of bills."),
    ),
    Code.LIST_INCOMPLETE: Meaning(
        Actor.US,
        Rule.RETRY,
        _("Not every row of the list of bills could be accounted for."),
        _(
            "What was fetched is kept. Look at the screenshot, then describe the list in the "
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
        _("The login holds several accounts, and which one is meant is not known."),
        _(
            "Give the CSV a column with the account's number as the portal shows it, or choose "
            "the account in the recipe (bills.steps or bills.each)."
        ),
    ),
    Code.OLDER_BILLS_ELSEWHERE: Meaning(
        Actor.US,
        Rule.STOP,
        _("Part of the list is behind a year, a period or a tab that could not be shown."),
        _("What was fetched is kept. Tell the recipe how to show the others: bills.each."),
    ),
    Code.LOCKED: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal has locked this account."),
        _("Have the account opened again at the portal, check the password, then retry."),
    ),
    Code.PASSWORD_EXPIRED: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal asks for a new password."),
        _("Log in by hand, choose a new password, enter it here, then retry."),
    ),
    Code.ACTION_NEEDED: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal wants something from the account's owner before it goes on."),
        _("Log in by hand, do what the page asks (terms, contact details), then retry."),
    ),
    Code.OTP_NEEDED: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal asks for a one-time code."),
        _("Turn two-step login off for this account, or fetch its bills by hand."),
    ),
    Code.CAPTCHA: Meaning(
        Actor.OPERATOR,
        Rule.STOP,
        _("The portal asks for a proof that a human is there."),
        _("Log in by hand once, wait some hours, then retry with fewer at once."),
    ),
    Code.FORBIDDEN: Meaning(
        Actor.US,
        Rule.STOP,
        _("The portal turns this browser away (HTTP 403)."),
        _(
            "Open the login URL in a browser on the same network. If it opens there, set the "
            "recipe's user_agent to that browser's; else ask the portal to let your address in."
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
        _("The portal says that we come too often."),
        _("It is tried again later by itself. If it stays so, run fewer at once."),
    ),
    Code.MAINTENANCE: Meaning(
        Actor.PORTAL,
        Rule.DEFER,
        _("The portal is closed for maintenance."),
        _("It is tried again later by itself."),
    ),
    Code.INTERRUPTED: Meaning(
        Actor.US,
        Rule.DEFER,
        _("The attempt was ended because the worker was stopped."),
        _("It is started again by itself."),
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
