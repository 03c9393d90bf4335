"""The page of the notices names every kind with every field, and no other."""

from __future__ import annotations

import re

from governance import outbox
from valhalla.env import BASE_DIR

ROW = re.compile(r"^\| `(?P<kind>[\w.]+)` \| (?P<title>[^|]+) \| (?P<fields>[^|]+) \|$", re.MULTILINE)


def test_the_page_names_every_kind_with_every_field() -> None:
    rows = ROW.finditer((BASE_DIR / "docs" / "notices.md").read_text().partition("## Kinds")[2])
    told = {row["kind"]: (row["title"], row["fields"]) for row in rows}
    assert told == {
        kind.name: (kind.title, "; ".join(f"`{field}`: {said}" for field, said in kind.fields.items()))
        for kind in outbox.kinds().values()
    }
