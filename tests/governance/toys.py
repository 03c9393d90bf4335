"""A lever of the tests' own: a dial that lives in memory, with an action for each way in which the door can go."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rest_framework import serializers

from governance import audit, register
from governance.changes import Refused
from governance.errors import Invalid
from governance.fields import CountField
from governance.register import Action, Lever
from governance.sections import Period, Section

TURN, SWAP = "toy.turn", "toy.swap"


@dataclasses.dataclass
class Dial:
    """Two figures of which a larger one is looser, and what the lever says when it is asked."""

    low: int = 5
    high: int = 5
    refusal: Refused | None = None
    wrong: Invalid | None = None
    locked: bool = False

    def snapshot(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}


class TurnSchema(serializers.Serializer[Any]):
    low = CountField(most=9, required=False)
    high = CountField(most=9, required=False)


def _spell(target: str) -> str:
    if not target.isalpha():
        raise ValueError("Must be letters.")
    return target.upper()


def _looser(standing: Mapping[str, Any], patch: Mapping[str, Any]) -> set[str]:
    return {name for name, value in patch.items() if value > standing[name]}


@contextmanager
def toy_lever(loosens: Callable[..., Any] = _looser, **action: Any) -> Iterator[Dial]:
    """Announce the lever inside the block; yield its dial."""
    dial = Dial()

    def lock(_target: str) -> Dial:
        dial.locked = True
        return dial

    def refuses(_target: str, _patch: Mapping[str, Any], _reason: str) -> Refused | None:
        return dial.refusal

    def apply(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
        if dial.wrong is not None:
            raise dial.wrong
        if patch.get("low") == 0:
            return Refused("too_low", "Nothing is left.")
        before = dial.snapshot()
        for name, value in patch.items():
            setattr(dial, name, value)
        audit.record(action=TURN, target=target, actor=actor, reason=reason, before=before, after=dial.snapshot())
        return dial.snapshot()

    turn = Action(
        name=TURN, label="Turn", schema=TurnSchema, target=_spell, lock=lock, loosens=loosens, apply=apply,
        refuses=refuses, **{"divisible": True, **action},
    )  # fmt: skip
    swap = dataclasses.replace(turn, name=SWAP, label="Swap", divisible=False)
    register.announce(
        Lever(
            name="toy", title="Toy", checks=list, review=_section, actions=[turn, swap], missing_seeds=list,
            restore_seeds=lambda **_asked: [],
        )
    )  # fmt: skip
    try:
        yield dial
    finally:
        register.withdraw("toy")


def _section(_period: Period) -> Section:
    return Section("toy", "Toy", {}, [])
