"""`python -m tests.mapping_docs`: writes the pages of docs/ that are made from the mapping."""

from __future__ import annotations

import json
from pathlib import Path

from imports.customers.api.schema.publish import json_schema, reference_table

DOCS = Path(__file__).resolve().parents[1] / "docs"
HEAD = """# Every field of a mapping

What a mapping is and how to write one: [connect-an-api.md](connect-an-api.md). This table and
[mapping.schema.json](mapping.schema.json) are made from the code. `success`, `failure`, `when`,
`done`, `failed` (of `poll`) and `absent_when` are conditions with the same four fields;
`answers[].results` and `answers[].rest` have the fields of `results` and `rest`.

"""


def pages() -> dict[Path, str]:
    """Each page, and what it must hold."""
    schema = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    return {
        DOCS / "mapping-reference.md": HEAD + reference_table(),
        DOCS / "mapping.schema.json": schema,
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
