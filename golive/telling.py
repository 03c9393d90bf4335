"""What people are told of the switches."""

from __future__ import annotations

from governance import outbox
from governance.outbox import Kind

_FIELDS = {"actor": "who turned it", "reason": "why", "epoch": "the number of this turn of the switches"}
_TURNS = {
    "kill_switch.engage": ("kill_switch.engaged", "The kill switch was engaged"),
    "kill_switch.release": ("kill_switch.released", "The kill switch was released"),
    "go_live.enable": ("go_live.enabled", "Production was enabled"),
    "go_live.disable": ("go_live.disabled", "Production was disabled"),
}
KINDS = [
    Kind(name=name, title=title, fields=_FIELDS, said=f"{title} by {{actor}}: {{reason}}".format_map)
    for name, title in _TURNS.values()
]


def turned(action: str, *, actor: str, reason: str, epoch: int) -> None:
    """Tell that a switch was turned by ``action``."""
    outbox.tell(_TURNS[action][0], actor=actor, reason=reason, epoch=epoch)
