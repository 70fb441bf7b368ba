"""What there is to say about a recording, and while one is made."""

from __future__ import annotations

from imports.messages import marked as _
from imports.messages import sentence

LINE = sentence("RECORDING_LINE", _("Line {place}"))
STEP = sentence("RECORDING_STEP", _("Step {place}"))
NO_PASSWORD = sentence(
    "RECORDING_NO_PASSWORD",
    _(
        "Nothing is typed into a box for the password. Begin the recording at the login page, "
        "and log in."
    ),
)
NO_LOGIN_PAGE = sentence(
    "RECORDING_NO_LOGIN_PAGE",
    _("No page is opened before the login. Begin the recording with the login page's address."),
)
NO_BILLING_URL = sentence(
    "RECORDING_NO_BILLING_URL",
    _("The recording does not say where the bills are. Enter the billing URL."),
)
NAMES_PASSWORD = sentence(
    "RECORDING_NAMES_PASSWORD",
    _("{place}: the password stands in what is pressed. Take this line out."),
)
NAMES_USER = sentence(
    "RECORDING_NAMES_USER",
    _(
        "{place}: the user name that was typed stands in what is pressed. Choose something that "
        "is the same for every account."
    ),
)

# While the browser is driven
NOTHING_THERE = sentence("REMOTE_NOTHING_THERE", _("There is nothing to press at that point."))
NO_BOX = sentence("REMOTE_NO_BOX", _("Press a box in the picture first: that is typed into."))
USE_BUTTON = sentence(
    "REMOTE_USE_BUTTON",
    _("This box is for a password: use the button “Password”, so that nobody sees it."),
)
TYPED_WHEN_SENT = sentence(
    "REMOTE_TYPED_WHEN_SENT",
    _("It is typed as you press the button that sends the form, or Enter: no picture shows it."),
)
IS_BACK = sentence("REMOTE_IS_BACK", _("Back on the page before. The step before it stays."))
KNOWN_AS_IN = sentence(
    "REMOTE_KNOWN_AS_IN", _("Redrive recognises this page as logged in by itself.")
)
SIGN_OF_IN = sentence("REMOTE_SIGN_OF_IN", _("“{text}” proves the login from now on."))
NO_SIGN = sentence(
    "REMOTE_NO_SIGN",
    _("The page has no heading that could prove the login: name one in outcomes.success."),
)
LISTED = sentence(
    "REMOTE_LISTED",
    _("Redrive reads {n} bills here. The first: {bills}."),
    _("Redrive reads {n} bill here: {bills}."),
)
NOT_LISTED = sentence(
    "REMOTE_NOT_LISTED",
    _("Redrive reads no bill here. Describe the rows in bills.rows once the recipe is open."),
)
WAS_REFUSED = sentence(
    "REMOTE_WAS_REFUSED", _("The portal refuses the password. It counts as a refused one.")
)
GAVE_DOCUMENT = sentence(
    "REMOTE_GAVE_DOCUMENT", _("It gives a document. Redrive does not keep it.")
)
CODE_IS_MISSING = sentence(
    "REMOTE_CODE_IS_MISSING", _("Enter the code in the box beside the button.")
)
GONE = sentence("REMOTE_GONE", _("The page has changed meanwhile: do it again."))
