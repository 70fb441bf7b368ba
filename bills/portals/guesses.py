"""What portals usually look like: used where a recipe says nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bills.portals.documents.words import MENU_LINK
from bills.portals.lists import words as list_words
from bills.portals.logins import phrases
from bills.portals.recipe_schema import Sign, Target

PASSWORD_BOX = "input[type=password]"  # noqa: S105 - a selector
IN_A_BANNER = (
    ":is([id*=cookie i], [class*=cookie i], [id*=consent i], [class*=consent i], "
    "[role=dialog], [role=alertdialog]) :is(button, a, [role=button])"
)
ABOUT_COOKIES = (
    r"cookie|consent|use your data|\bkakor\b|samtycke|einwilligung|\bdonnées\b"
    r"|informasjonskapsler|eväste|datenschutz|privatsphäre|yksityisyy|privacy|privatliv|integritet"
    r"|confidentialité|privacidad|prywatno|ciasteczk"
)
# A dialog may be about anything: only one about cookies is agreed to.
COOKIE_BUTTON = (
    ":is(:is([id*=cookie i], [class*=cookie i], [id*=consent i], [class*=consent i]) "
    ":is(button, a, [role=button]), [data-redrive-banner])"
    f':text-matches("^\\\\W*({phrases.control_pattern("cookies")})\\\\W*$", "i")'
)
# The last part of an address that ends a session.
LEAVING = (
    r"^(?:log|sign)[-_.]?(?:out|off)(?:[.;]\w*)?$|^utlogg|^logga-?ut|^logg-?ut|^log-?ud"
    r"|^kirjaudu-?ulos"
    r"|^abmeld|^ausloggen|^uitloggen|deconnexion|d%C3%A9connexion|cerrar-?sesion|^wylogu"
)

# The phrases of all languages stand in `phrases`; signs that are no text stand here.
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
class ElementPattern:
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
    ElementPattern('a[href*=".pdf" i]'),
    ElementPattern("a[download]"),
    ElementPattern('a[href*="pdf" i]'),
    ElementPattern(
        ":is(a, button, input[type=submit], input[type=button], [role=button], [role=link], "
        ":is(span, i, img, svg)[onclick])",
        list_words.DOCUMENT_LINK,
    ),
)
SPARE_LINKS = (
    ElementPattern(
        ":is(tr, [role=row], li, article, dd) :is(button, [role=button], a)", MENU_LINK
    ),
    ElementPattern(
        ":is(tr, [role=row], li, article, dd) :is(button, [role=button], a)"
        ":is([aria-haspopup=menu], [aria-haspopup=true])"
    ),
    ElementPattern(
        ":is(tr, [role=row], li, article, dd) :is(a, button, [role=button])",
        list_words.DETAILS_LINK,
    ),
    ElementPattern(
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
