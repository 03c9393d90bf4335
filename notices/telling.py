"""What the notices tell of themselves: that they still run, and that a rule reaches somebody."""

from __future__ import annotations

from governance.outbox import Kind

HEARTBEAT, TEST = "heartbeat", "test"
KINDS = [
    Kind(
        name=HEARTBEAT,
        title="Heartbeat",
        fields={
            "every_minutes": "how long from one heartbeat to the next",
            "waiting": "deliveries that wait",
            "dead_letters": "deliveries that were given up",
        },
        said=(
            "The control plane is there, and says so again in {every_minutes} minutes. "
            "{waiting} deliveries wait, {dead_letters} were given up."
        ).format_map,
    ),
    Kind(
        name=TEST,
        title="A test",
        fields={"rule": "the rule", "actor": "who tests it"},
        said="{actor} tests the rule {rule}. Nothing has happened.".format_map,
    ),
]
