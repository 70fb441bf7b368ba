"""What portals usually look like, in English and Swedish: used where a recipe says nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bills.portals import list_words
from bills.portals.recipe_schema import Sign, Target

EMAIL_BOXES = (
    "input[autocomplete~=username]",
    "input[type=email]",
    "input[autocomplete=email]",
    "input:is([name*=email i], [id*=email i], [name*=user i], [id*=user i], [name*=login i], "
    "[name*=kund i], [name*=konto i], [name*=anvand i]):not([type=password], [type=hidden])",
    "form:has(input[type=password]) input:is([type=text], [type=tel], :not([type]))",
)
PASSWORD_BOX = "input[type=password]"  # noqa: S105 - a selector
SUBMIT_BUTTONS = (
    "form:has(input[type=password]) :is(button[type=submit], input[type=submit])",
    "form:has(input[type=password]) button:not([type])",
    'button:text-matches("^(log ?in|sign ?in|logga in|continue|fortsätt|nästa|next)$", "i")',
)
NEXT_BUTTONS = (
    'button:text-matches("^(next|continue|nästa|fortsätt|gå vidare)$", "i")',
    ":is(button[type=submit], input[type=submit])",
    "form button:not([type])",
)

IN_A_BANNER = (
    ":is([id*=cookie i], [class*=cookie i], [id*=consent i], [class*=consent i], "
    "[role=dialog], [role=alertdialog]) :is(button, a, [role=button])"
)
COOKIE_BUTTON = (
    IN_A_BANNER + ':text-matches("^\\\\s*(accept|accept all|accept all cookies|'
    "accept cookies|agree|i agree|allow all|allow all cookies|got it|ok|okay|godkänn|"
    "godkänn alla|godkänn alla cookies|acceptera|acceptera alla|acceptera alla cookies|"
    'tillåt alla|jag förstår|jag godkänner)\\\\s*$", "i")'
)

LOG_OUT = r"log ?out|sign ?out|log ?off|logga ut"

# Regular expressions over the page's visible text in small letters. Strict on purpose: a phrase
# that also stands in a menu ("Change password") must not match.
_SECRET = (
    "(password|user ?name|user ?id|e-?mail|log-?in|credentials|lösenord|användar|inlogg|kundn)"  # noqa: S105
)
PHRASES: dict[str, tuple[str, ...]] = {
    "locked": (
        r"account (is|has been|was|is temporarily) (locked|blocked|suspended|disabled)",
        r"(locked|blocked) (your|the) account",
        r"konto(t)? (är|har) (blivit )?(tillfälligt )?(låst|spärrat|låsts|spärrats)",
        r"(för|too) (många|many) (felaktiga|misslyckade|failed|unsuccessful) ",
    ),
    "captcha": (r"i'?m not a robot", r"i am not a robot", r"jag är inte en robot"),
    "code": (
        r"(enter|type|we('ve| have) sent).{0,40}(one-?time|verification|security) (code|password)",
        r"(ange|skriv|skickat).{0,40}(engångskod|verifieringskod|säkerhetskod)",
        r"(öppna|starta|open) (mobilt )?bankid",
    ),
    "password_expired": (
        r"password has expired",
        r"(you must|you need to|please) change your password",
        r"(choose|create|set) a new password",
        r"lösenord(et)? har (gått ut|löpt ut)",
        r"(du måste|vänligen) (byta|ändra|byt|ändra på) (ditt )?lösenord",
        r"välj (ett )?nytt lösenord",
    ),
    "action": (
        r"accept (the|our|new|updated).{0,30}(terms|conditions) to continue",
        r"(confirm|verify|update) your (e-?mail|contact|phone).{0,40} to continue",
        r"godkänn (våra|de) (nya )?(villkor|användarvillkor).{0,30}för att fortsätta",
    ),
    "rate_limited": (r"too many requests", r"för många förfrågningar"),
    "maintenance": (
        r"(closed|down|unavailable) (for|due to).{0,20}maintenance",
        r"(is|are) (currently )?(under|undergoing).{0,12} maintenance",
        r"(stängt|stängd|nere) (för|på grund av).{0,20}(underhåll|service)",
        r"underhållsarbete pågår",
    ),
    "refused": (
        rf"(wrong|incorrect|invalid|unknown|not recogni[sz]ed).{{0,40}}{_SECRET}",
        rf"{_SECRET}.{{0,40}}(wrong|incorrect|invalid|not correct|not recogni[sz]ed|not match)",
        rf"(fel|felaktig\w*|ogiltig\w*|okänt|okänd).{{0,40}}{_SECRET}",
        rf"{_SECRET}.{{0,40}}(fel|felaktig\w*|ogiltig\w*|stämmer inte|misslyckades)\b",
        r"(log-?in|sign-?in|authentication) (has )?failed",
    ),
}
SELECTORS: dict[str, tuple[str, ...]] = {
    "captcha": (
        ".g-recaptcha:not([data-size=invisible])",
        ".h-captcha:not([data-size=invisible])",
        ".cf-turnstile",
        "#captcha, input[name*=captcha i]:not([type=hidden])",
    ),
    "code": ("input[autocomplete=one-time-code]",),
    "password_expired": (
        "form:has(input[autocomplete=new-password] ~ input[autocomplete=new-password])",
    ),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """Elements of a page: by CSS, and where `words` is given also by what their text matches.

    All of their text, in either case: `Home <b>»</b>` in a trail of links leads to no next page.
    """

    css: str
    words: str = ""

    def as_json(self) -> dict[str, str]:
        """As the list's script takes it."""
        return {"css": self.css, "words": self.words}


# Links to a bill, the surest first. The spare ones count where a page has none of these.
BILL_LINKS = (
    Kind('a[href*=".pdf" i]'),
    Kind("a[download]"),
    Kind('a[href*="pdf" i]'),
    Kind(":is(a, button, input[type=submit], [role=button])", list_words.DOCUMENT_LINK),
)
SPARE_LINKS = (
    Kind(
        ":is(tr, [role=row], li, article, dd) "
        "a[href]:not([href^='#'], [href^='mailto:'], [href^='tel:'], [href^='javascript:'])"
    ),
)
NO_BILLS = list_words.NO_BILLS


def targets(selectors: tuple[str, ...]) -> tuple[Target, ...]:
    """Selectors as targets, tried in this order."""
    return tuple(Target(selector=selector) for selector in selectors)


def signs(outcome: str) -> tuple[Sign, ...]:
    """The guessed selectors for one outcome."""
    return tuple(Sign(selector=selector) for selector in SELECTORS.get(outcome, ()))
