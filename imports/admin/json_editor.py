"""A form's box for JSON: line numbers, a check and hints while it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.forms import Media
from django.template.loader import render_to_string
from unfold.widgets import UnfoldAdminTextareaWidget

if TYPE_CHECKING:
    from django.utils.safestring import SafeString


class JsonEditor(UnfoldAdminTextareaWidget):
    """A textarea that a script makes an editor. `schema` is the address of a JSON Schema.

    The schema's "x-examples", a list of {"title", "value"}, are offered beside the box.
    """

    def __init__(self, schema: Any = "", attrs: dict[str, Any] | None = None) -> None:
        own = {"rows": 14, "spellcheck": "false", "data-code": "json"}
        super().__init__(own | (attrs or {}))
        self.schema = schema

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The textarea, and what is around it where a script runs."""
        own = {"data-schema": str(self.schema)} if self.schema else {}
        textarea = super().render(name, value, (attrs or {}) | own, renderer)
        return render_to_string("imports/parts/json_editor.html", {"textarea": textarea})

    @property
    def media(self) -> Media:
        return Media(
            css={"all": ["imports/editor.css"]},
            js=["imports/vendor/codemirror.js", "imports/editor.js"],
        )
