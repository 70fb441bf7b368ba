"""Fills in a portal's login form as the recipe says, or as forms usually are, and judges.

It goes on with what an earlier login left in the browser: a login follows only where it must.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from bills.browser.page_errors import cut
from bills.browser.report import Stage
from bills.portals import failures, guesses
from bills.portals.failures import Code, PortalError
from bills.portals.logins.codes import CodeEntry, asks_for_code, form_on
from bills.portals.logins.covers import is_covered, press_through
from bills.portals.logins.form import Filling, look_again, look_for_form, pinned_form
from bills.portals.logins.scripts import PUT_IN
from bills.portals.logins.signs import (
    CODES,
    FOUND,
    FROM_THE_START,
    SUCCESS,
    Mark,
    dialog_that_says,
    glance,
    marks_for,
    race,
    refuse,
    success_marks,
)
from bills.portals.recipe_schema import Sign
from bills.portals.targets import (
    LOOK_SECONDS,
    calmly,
    do_step,
    do_steps,
    expect_overlays,
    find,
    locators,
    look_in_frames,
)

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from bills.browser.visit import Visit
    from bills.portals.logins.form import LoginForm
    from bills.portals.logins.signs import Seen
    from bills.portals.recipe_schema import Target
    from imports.messages import Text


LONGEST_TITLE = 100  # characters
ASKING = Mark("asking", Sign(selector=guesses.PASSWORD_BOX))
HTTP_SCHEMES = ("basic", "digest")
ANNOUNCED = ("maintenance", "rate_limited")
# What a home page may speak of ("Wrong address? E-mail us"): its words refuse nobody who is in.
SPOKEN_OF = (*ANNOUNCED, "refused", "code")


async def log_in(visit: Visit) -> None:
    """From the login page to the proof that we are in. Raises PortalError for all else."""
    await open_login(visit)
    if visit.is_in_by_http:
        return
    codes = CodeEntry(visit)
    before = await send_password(visit, codes)
    await do_what_follows(visit, before, codes)
    await judge(visit, before, codes)


async def open_login(visit: Visit) -> None:
    """Open the login page. Raises PortalError where it is closed, broken or asks for a proof."""
    await visit.goto(visit.plan.login_url)
    if visit.status == 401 and visit.headers.get("www-authenticate"):
        await log_in_by_http(visit)
        return
    seen = await glance(visit, marks_for(visit, FROM_THE_START)) or {}
    for mark in marks_for(visit, FROM_THE_START):
        if mark in seen and not await only_announces(visit, mark):
            refuse(visit, mark)
    visit.check_status()
    if visit.status == 404:
        raise PortalError(Code.NAVIGATION, failures.NO_LOGIN_PAGE)
    if visit.status == 403 and (await look_for_form(visit)).kind == "none":
        raise PortalError(Code.FORBIDDEN, failures.ANSWERED.format(status=403))
    await do_steps(visit, visit.plan.recipe.login.steps, "login.steps")


async def only_announces(visit: Visit, mark: Mark) -> bool:
    """Whether a page that one can log in on only speaks of works to come."""
    if not mark.phrase or mark.outcome not in ANNOUNCED or visit.status >= 400:
        return False
    return (await look_for_form(visit)).kind in ("password", "user")


async def log_in_by_http(visit: Visit) -> None:
    """Answer a portal that asks with HTTP 401, on the login URL's own site and nowhere else."""
    asked = visit.headers["www-authenticate"].strip().lower()
    scheme = asked.split()[0] if asked else ""
    if not any(known in asked for known in HTTP_SCHEMES):
        summary = failures.HTTP_AUTHENTICATION.format(scheme=cut(scheme, 40))
        raise PortalError(Code.NAVIGATION, summary)
    await visit.enter(Stage.LOGIN)
    await visit.answer_by_http()
    await visit.goto(visit.plan.login_url)
    await visit.enter(Stage.JUDGE)
    if visit.status == 401:
        raise PortalError(Code.LOGIN_FAILED, failures.HTTP_REFUSED)
    seen = await glance(visit, marks_for(visit)) or {}
    for mark in marks_for(visit):
        if mark in seen:
            refuse(visit, mark)
    visit.check_status()
    if visit.status >= 400 or await is_asking(visit):
        raise await not_recognised(visit)
    visit.is_in_by_http = True


async def send_password(visit: Visit, codes: CodeEntry) -> Seen:
    """Fill in the form and send it. Gives the marks that the page showed before that."""
    await visit.enter(Stage.LOGIN)
    form = await Filling(visit).form()
    code = ""
    if "code" in form.parts:
        code = await codes.beside_password(is_needed=form.needs_code)
    before = await glance(visit, [*marks_for(visit), *success_marks(visit)]) or {}
    await visit.take_picture()  # now: once it is typed, a page may show the password anywhere
    given = visit.plan.recipe.login.password
    if given is not None:
        box = await find(visit, [given], "login.password")
        await visit.type_password(box)
    else:
        form = await pinned_form(visit, form)
        box = form.box
        await visit.type_password(form.pinned or box)
    if code and (code_box := form.part("code")):
        await visit.type_code([code_box], code)
    await press_submit(visit, form, box)
    return before


async def press_submit(visit: Visit, form: LoginForm, box: Locator) -> None:
    """Send the form by its own button; by Enter where it has none."""
    given = visit.plan.recipe.login.submit
    if given is not None:
        named = await find(visit, [given], "login.submit")
        visit.expect_page()
        await named.click(no_wait_after=True)
        return
    again = await look_again(visit, form)
    if not again.holds_all(visit.login.password):
        again = await put_in(visit, again, box)
    button = again.part("button")
    visit.expect_page()
    if button is None:
        await box.press("Enter", no_wait_after=True)
        return
    try:
        await press_through(visit, button, has_other_way=True)
    except PlaywrightTimeout as problem:
        if not is_covered(problem):
            raise
        # A wall from a host that the portal does not name can't be pressed away.
        await box.press("Enter", no_wait_after=True)


async def put_in(visit: Visit, form: LoginForm, box: Locator) -> LoginForm:
    """Put the password into its box once more: a script has moved the focus on, or emptied it.

    Raises PortalError NAVIGATION where the box does not keep it.
    """
    await box.evaluate(PUT_IN, visit.login.password)
    user = form.part("user")
    if user is not None and not form.user_is_fixed:
        await calmly(user.evaluate(PUT_IN, visit.login.email))
    again = await look_again(visit, form)
    if not again.holds_all(visit.login.password):
        raise PortalError(Code.NAVIGATION, failures.PASSWORD_NOT_KEPT)
    return again


async def do_what_follows(visit: Visit, before: Seen, codes: CodeEntry) -> None:
    """The recipe's steps between the form and the answer, unless the answer comes first."""
    limit = visit.plan.recipe.login.answer_seconds
    for number, step in enumerate(visit.plan.recipe.login.then):
        target = step.target
        if target is not None:

            async def is_shown(target: Target = target) -> bool:
                return await look_in_frames(visit, [target]) is not None

            marks = marks_for(visit)
            waits = min(limit, step.seconds or (3.0 if step.optional else limit))
            mark = await race(visit, marks, limit=waits, ignored=before, sooner=is_shown)
            while asks_for_code(mark):
                await codes.enter()
                marks = [*codes.marks(), *marks_for(visit)]
                mark = await race(visit, marks, limit=waits, ignored=before, sooner=is_shown)
            if mark is not None and mark is not FOUND:
                refuse(visit, mark)
            if mark is None and step.optional:
                continue
        await do_step(visit, step, f"login.then[{number}]")


async def judge(visit: Visit, before: Seen, codes: CodeEntry) -> None:
    """Return when the page proves that we are in. Raises PortalError for all else."""
    await visit.enter(Stage.JUDGE)
    recipe, beside = visit.plan.recipe, {ASKING: True}
    await visit.pause(LOOK_SECONDS)  # most portals answer with another page
    mark = await next_answer(visit, before, codes, beside)
    while asks_for_code(mark):
        if codes.typed and await is_asking(visit):  # the code was part of the login form
            raise PortalError(Code.OTP_NEEDED, failures.CODE_REFUSED.format(n=codes.typed))
        await codes.enter()
        mark = await next_answer(visit, before, codes, beside)
    if mark is None:
        raise await not_recognised(visit)
    refuse(visit, mark)
    if mark.outcome == SUCCESS and recipe.outcomes.success is None:
        await doubt(visit, shows_box=beside[ASKING])


async def next_answer(
    visit: Visit, before: Seen, codes: CodeEntry, beside: dict[Mark, bool]
) -> Mark | None:
    """What the page says first of all that it may say; None for a page that is not recognised."""
    limit = visit.plan.recipe.login.answer_seconds
    mark = await race(visit, answers(visit, codes), limit=limit, ignored=before, beside=beside)
    if mark is not None and mark.phrase and mark.outcome in SPOKEN_OF:
        return await way_out_beside(visit, mark, before) or mark
    return mark


async def way_out_beside(visit: Visit, said: Mark, before: Seen) -> Mark | None:
    """The proof that we are in, on a page that only happens to hold such words; else None."""
    if visit.status >= 400 or dialog_that_says(visit, said) or await is_asking(visit):
        return None
    marks = success_marks(visit)
    seen = await glance(visit, marks) or {}
    for mark in marks:
        shown = seen.get(mark, frozenset()) - before.get(mark, frozenset())
        if any(shown) or (shown and not mark.is_guess):
            form = await form_on(visit) if said.outcome == "code" else None
            return None if form and (form.boxes or form.send) else mark
    return None


def answers(visit: Visit, codes: CodeEntry) -> list[Mark]:
    """What the page after the login may show; what counts first stands first."""
    outcomes = visit.plan.recipe.outcomes
    summary = list(dict.fromkeys([*marks_for(visit), *codes.marks()]))
    summary.sort(key=lambda mark: mark.outcome == "refused")  # "Wrong code. E-mail: …" is none
    given = [mark for mark in summary if getattr(outcomes, mark.outcome) is not None]
    guessed = [mark for mark in summary if mark not in given]
    success = success_marks(visit)
    if outcomes.success is None:
        return [*given, *guessed, *success]
    return [*given, *success, *guessed]


async def doubt(visit: Visit, *, shows_box: bool) -> None:
    """A guessed success is none while the page asks for a password.

    `shows_box` is whether the look that has shown the success also showed a box for one.
    """
    may_ask = shows_box or _may_ask_elsewhere(visit)
    if may_ask and await is_asking(visit):
        raise PortalError(Code.UNRECOGNISED_PAGE, failures.ASKS)


def _may_ask_elsewhere(visit: Visit) -> bool:
    """Whether a box for the password may be where ASKING does not look."""
    return visit.plan.recipe.login.password is not None or len(visit.frames()) > 1


async def is_asking(visit: Visit) -> bool:
    """Whether a box for a password is visible: we are not logged in, or not any more."""
    given = visit.plan.recipe.login.password
    if not _may_ask_elsewhere(visit) and await glance(visit, [ASKING]) == {}:
        return False
    # A glance also sees boxes without any size, which are there for browsers' own fillings-in.
    for box in wanted(given, (guesses.PASSWORD_BOX,)):
        for frame in visit.frames():
            for locator in locators(frame, box):
                if await calmly(locator.filter(visible=True).count()):
                    return given is not None or not await is_for_new_password(visit)
    return False


async def is_for_new_password(visit: Visit) -> bool:
    """Whether the only boxes for a password are those of a form that changes it."""
    form = await look_for_form(visit)
    return form.kind != "password" and form.against in ("new_password", "two_passwords")


async def not_recognised(visit: Visit) -> PortalError:
    """The failure behind a page that nothing matched; a 403 is said to be one."""
    if visit.status == 403:
        return PortalError(Code.FORBIDDEN, await unrecognised(visit))
    return PortalError(Code.UNRECOGNISED_PAGE, await unrecognised(visit))


async def unrecognised(visit: Visit) -> Text:
    """What there is to say about a page that nothing matched."""
    status = f" (HTTP {visit.status})" if visit.status >= 400 else ""
    title = await calmly(visit.page.title()) or ""
    detail = failures.TITLE.format(
        title=cut(" ".join(title.split()), LONGEST_TITLE), status=status
    )
    if visit.dialogs:
        detail += failures.DIALOG_SAID.format(text=visit.dialogs[-1].text)
    return detail + failures.ASKS if await is_asking(visit) else detail


def wanted(given: Target | None, usual: tuple[str, ...]) -> tuple[Target, ...]:
    """The recipe's target, else the usual ones."""
    return (given,) if given is not None else guesses.targets(usual)


LONGEST_SESSION = 200_000  # characters: what is larger is not kept
LOOK_LONGEST_SECONDS = 10.0  # for a sign that we are still in


async def is_still_in(visit: Visit) -> bool:
    """Whether the page of bills opens without a login. False where that is in any doubt."""
    login, plan = visit.login, visit.plan
    if not (login.session and login.may_resume and plan.keeps_devices and plan.billing_url):
        return False
    await expect_overlays(visit)
    try:
        is_in = await _shows_that_we_are_in(visit)
    except (PortalError, PlaywrightError):
        is_in = False  # whatever is wrong, the login finds it out
    if not is_in:
        visit.forget_where_it_led()
    visit.report.resumed = is_in
    return is_in


async def _shows_that_we_are_in(visit: Visit) -> bool:
    await visit.goto(visit.plan.billing_url)
    if visit.status >= 400:
        return False

    async def asks() -> bool:
        return await is_asking(visit)

    limit = min(visit.plan.recipe.login.answer_seconds, LOOK_LONGEST_SECONDS)
    marks = [*success_marks(visit), *marks_for(visit)]
    mark = await race(visit, marks, limit=limit, sooner=asks)
    if mark is None or mark.outcome != SUCCESS or await is_asking(visit):
        return False
    others = await glance(visit, marks_for(visit, CODES)) or {}
    return not any(mark.outcome == "code" for mark in others)


async def remembered(visit: Visit) -> str:
    """What the browser remembers of the portal, as JSON; "" where that is too much, or nothing."""
    state = await calmly(visit.context.storage_state())
    text = json.dumps(state) if state and (state["cookies"] or state["origins"]) else ""
    if len(text) > LONGEST_SESSION:
        visit.note(failures.SESSION_TOO_LARGE)
        return ""
    return text


def without_session(session: str) -> str:
    """What outlives a session: the cookies with an end of their own ("this is a known device").

    For another try after a failed one: it may have failed because of the rest.
    """
    if not session:
        return ""
    state: dict[str, Any] = json.loads(session)
    lasting = [cookie for cookie in state["cookies"] if cookie.get("expires", -1) > 0]
    return json.dumps({"cookies": lasting, "origins": []}) if lasting else ""
