"""Holding the trail against its seals: every link of the chain, and every sealed row as it stands now."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from governance.models import Seal
from governance.register import Trail
from governance.trail import canonical, places, sealing, sources
from governance.trail.notes import Excused
from governance.trail.places import END, Place

_CHUNK = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not agree: which seal, and in words what and which row."""

    seal: str
    said: str

    def __str__(self) -> str:
        """Return the finding in one line."""
        return f"{self.said} (seal {self.seal})"


@dataclasses.dataclass(slots=True)
class Checked:
    """One seal that was held against the rows: how many they were, and what was found wrong."""

    seal: str
    rows: int
    findings: list[Finding]


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain as it was exported: whoever keeps it elsewhere can tell that nothing was cut off since."""

    chain: int
    number: int
    hash: str


def check(*, head: Head | None = None) -> Iterator[Checked]:
    """Hold every seal against the one before and against its rows; ``head`` is where the trail must reach at least."""
    ceilings = _ceilings()
    known = {trail.name: trail for trail in sources.every()}
    excused = {name: Excused(name) for name, trail in known.items() if trail.model.expendable}
    before: Seal | None = None
    standing: Mapping[str, Any] = {}
    found_head = False
    for seal in Seal.objects.order_by("chain", "number").iterator(chunk_size=_CHUNK):
        name = f"{seal.chain}.{seal.number}"
        findings = [Finding(name, said) for said in _link(seal, before)]
        count = 0
        if not findings or canonical.digest(seal.text) == seal.hash:
            parts = sealing.parts_of(seal.text)
            standing = standing if before is not None and before.chain == seal.chain else {}
            for table, part in parts["sources"].items():
                trail = known.get(table)
                if trail is None and not part["count"]:
                    continue
                if trail is None:
                    findings.append(Finding(name, f"{table} is sealed and no lever announces it any more"))
                    continue
                ceiling = ceilings.get(seal.chain, {}).get(table, END)
                findings += [Finding(name, said) for said in _rows(trail, standing, part, ceiling, excused.get(table))]
                count += part["count"]
            standing = parts["sources"]
        found_head = found_head or (head is not None and head == Head(seal.chain, seal.number, seal.hash))
        before = seal
        yield Checked(name, count, findings)
    if head is not None and not found_head:
        said = f"the trail does not hold the exported head {head.chain}.{head.number}: its end was cut off or replaced"
        yield Checked("end", 0, [Finding("end", said)])


def _link(seal: Seal, before: Seal | None) -> Iterator[str]:
    if canonical.digest(seal.text) != seal.hash:
        yield "the seal itself was edited: its text does not give its hash"
        return
    parts = sealing.parts_of(seal.text)
    if (parts["chain"], parts["number"], parts["previous"]) != (seal.chain, seal.number, seal.previous):
        yield "the seal itself was edited: its columns do not agree with its text"
    same = before is not None and before.chain == seal.chain
    expected = before.number + 1 if same and before else 1
    if seal.number != expected or (not same and seal.chain != (before.chain + 1 if before else 1)):
        yield f"a seal before it was removed: {seal.chain}.{expected} should stand here"
    elif seal.previous != (before.hash if before else sealing.NOTHING_BEFORE):
        yield "the seal before it was replaced: it is not the one that this seal was made on"


def _rows(
    trail: Trail, standing: Mapping[str, Any], part: Mapping[str, Any], ceiling: int, excused: Excused | None
) -> list[str]:
    """Return what is wrong with the rows of one source under one seal, the first row named."""
    start = sealing.place_of(standing, trail)
    end = Place(*part["place"])
    if not standing and not part["count"]:
        return []  # the seal that opens a chain says where each source stood
    version = part["version"]
    live = canonical.digests(
        trail.name, version, places.between(trail, start, end, trail.columns[version], ceiling=ceiling)
    )
    sealed = [(row[0], row[1]) for row in part["rows"]]
    if sealed == live:
        return []
    ids = {row[0] for row in live}
    if excused is not None:
        sealed = [row for row in sealed if row[0] in ids or not excused.covers(row[0])]
    return [_first(trail, sealed, live)] if sealed != live else []


def _first(trail: Trail, sealed: list[tuple[int, str]], live: list[tuple[int, str]]) -> str:
    """Name the first row in which what is sealed and what stands part."""
    at = next(
        (number for number, (one, other) in enumerate(zip(sealed, live, strict=False)) if one != other),
        min(len(sealed), len(live)),
    )
    theirs = {row[0] for row in sealed}
    if at < len(live) and live[at][0] not in theirs:
        return f"{trail.name} row {live[at][0]} was inserted among rows that are sealed"
    row = sealed[at][0]
    if at < len(live) and live[at][0] == row:
        return f"{trail.name} row {row} was edited"
    if not trail.model._default_manager.filter(pk=row).exists():
        return f"{trail.name} row {row} was removed"
    return f"{trail.name} row {row} was reordered: it does not stand where it was sealed"


def _ceilings() -> dict[int, dict[str, int]]:
    """Return the last id of each source that belongs to a chain: where the chain after it found it."""
    ceilings = {}
    for seal in Seal.objects.filter(number=1, chain__gt=1):
        parts = sealing.parts_of(seal.text)["sources"]
        ceilings[seal.chain - 1] = {table: Place(*part["place"]).floor for table, part in parts.items()}
    return ceilings
