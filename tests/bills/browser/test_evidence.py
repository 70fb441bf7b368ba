"""A page that is kept does nothing and tells nothing that was typed."""

from __future__ import annotations

from bills.browser.evidence import stripped

PAGE = """<!doctype html><html><head><title>Log in</title><script>var p = "s3cret";</script>
<style>b { }</style><meta http-equiv="refresh" content="0; url=https://evil.test">
<base href="https://evil.test/"></head><body onload="go()"><!-- s3cret -->
<h1>Wrong &lt;password&gt;</h1><form action="/login"><input name="user" value="ann">
<input type="hidden" name="csrf" value="s3cret"><textarea name="t">s3cret</textarea>
<a href="javascript:go('s3cret')" title="here">Help</a><br/><img src="data:image/png;base64,AA">
<iframe srcdoc="<b>s3cret</b>"></iframe><template><p>s3cret</p></template>
</form><p>Still here</p></body></html>"""


def test_scripts_styles_comments_and_what_boxes_hold_are_gone() -> None:
    kept = stripped(PAGE)
    assert "s3cret" not in kept
    for gone in ("<script", "<style", "onload", "javascript:", "data:", "refresh", "<base", "ann"):
        assert gone not in kept, gone


def test_what_can_be_read_is_kept_as_it_was() -> None:
    kept = stripped(PAGE)
    assert "<h1>Wrong &lt;password&gt;</h1>" in kept
    assert '<input name="user">' in kept
    assert '<a title="here">Help</a>' in kept
    assert "<p>Still here</p></body></html>" in kept


def test_a_page_that_is_cut_off_is_no_reason_to_fail() -> None:
    assert "before" in stripped("<p>before<script>s3cret")
    assert "s3cret" not in stripped("<p>before<script>s3cret")
    assert stripped("") == ""
