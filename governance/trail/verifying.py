"""Holding the trail against its seals: every link of the chain, and every sealed row as it stands now."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from governance.models import Seal
from governance.register import Trail
from governance.trail import canonical, sealing, sources
from governance.trail.notes import Excused
from governance.trail.places import END, Ahead, Place

_CHUNK = 20
_Part = tuple[int, str, int]  # of a chain: a table, by a version of its columns


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
    known = {trail.name: trail for trail in sources.every()}
    excused = {name: Excused(name) for name, trail in known.items() if trail.model.expendable}
    before: Seal | None = None
    standing: Mapping[str, Any] = {}
    found_head = False
    for seal, parts, ahead in _read(known, _ceilings()):
        name = f"{seal.chain}.{seal.number}"
        findings = [Finding(name, said) for said in _link(seal, parts, before)]
        count = 0
        if parts is not None:
            standing = standing if before is not None and before.chain == seal.chain else {}
            for table, part in parts["sources"].items():
                trail = known.get(table)
                if trail is None and not part["count"]:
                    continue
                if trail is None:
                    findings.append(Finding(name, f"{table} is sealed and no lever announces it any more"))
                    continue
                rows = ahead[seal.chain, table, part["version"]]
                findings += [Finding(name, said) for said in _rows(trail, standing, part, rows, excused.get(table))]
                count += part["count"]
            standing = parts["sources"]
        found_head = found_head or (head is not None and head == Head(seal.chain, seal.number, seal.hash))
        before = seal
        yield Checked(name, count, findings)
    if head is not None and not found_head:
        said = f"the trail does not hold the exported head {head.chain}.{head.number}: its end was cut off or replaced"
        yield Checked("end", 0, [Finding("end", said)])


def _read(
    known: Mapping[str, Trail], ceilings: Mapping[int, Mapping[str, int]]
) -> Iterator[tuple[Seal, Mapping[str, Any] | None, Mapping[_Part, Ahead]]]:
    """Yield each seal with its text as values (None where it is not its own), and the rows that it is held against.

    The rows are read for many seals at once: a chain that is sealed every minute has few under each.
    """
    seals = Seal.objects.order_by("chain", "number").iterator(chunk_size=_CHUNK)
    while group := list(itertools.islice(seals, _CHUNK)):
        read = [
            (seal, sealing.parts_of(seal.text) if canonical.digest(seal.text) == seal.hash else None) for seal in group
        ]
        far = {
            (seal.chain, table, part["version"]): Place(*part["place"])
            for seal, parts in read
            for table, part in (parts["sources"] if parts else {}).items()
            if table in known
        }
        ahead = {
            (chain, table, version): Ahead(
                known[table], known[table].columns[version], place, ceiling=ceilings.get(chain, {}).get(table, END)
            )
            for (chain, table, version), place in far.items()
        }
        for seal, parts in read:
            yield seal, parts, ahead


def _link(seal: Seal, parts: Mapping[str, Any] | None, before: Seal | None) -> Iterator[str]:
    if parts is None:
        yield "the seal itself was edited: its text does not give its hash"
        return
    if (parts["chain"], parts["number"], parts["previous"]) != (seal.chain, seal.number, seal.previous):
        yield "the seal itself was edited: its columns do not agree with its text"
    same = before is not None and before.chain == seal.chain
    expected = before.number + 1 if same and before else 1
    if seal.number != expected or (not same and seal.chain != (before.chain + 1 if before else 1)):
        yield f"a seal before it was removed: {seal.chain}.{expected} should stand here"
    elif seal.previous != (before.hash if before else sealing.NOTHING_BEFORE):
        yield "the seal before it was replaced: it is not the one that this seal was made on"


def _rows(
    trail: Trail, standing: Mapping[str, Any], part: Mapping[str, Any], rows: Ahead, excused: Excused | None
) -> list[str]:
    """Return what is wrong with the rows of one source under one seal, the first row named."""
    start = sealing.place_of(standing, trail)
    end = Place(*part["place"])
    if not standing and not part["count"]:
        return []  # the seal that opens a chain says where each source stood
    live = canonical.digests(trail.name, part["version"], rows.between(start, end))
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
