"""The notices' part of the review, and their line of the checklist."""

from __future__ import annotations

from governance.register import Check
from governance.sections import Period, Section, Table
from notices import rules, selectors
from notices.words import late

KILL = "kill_switch.engaged"


def checks() -> list[Check]:
    """Return whether anybody is told of the gravest thing there is."""
    told = selectors.hears_of(KILL)
    said = (
        "A rule tells people of the kill switch." if told else "Nobody is told of the kill switch: add a notice rule."
    )
    return [Check("people_are_told", told, said, required=False)]


def section(_period: Period) -> Section:
    """Return whom each rule reaches, and what was given up."""
    reaches, standing, dead = selectors.reaches(), selectors.standing(), selectors.dead_letters()
    data = {
        "waiting": standing.waiting,
        "dead_letters": standing.dead,
        "rules": [
            {
                "name": reach.rule.name,
                **reach.rule.snapshot(),
                "waiting": reach.waiting,
                "dead_letters": reach.dead,
                "last_delivered_at": reach.last_at,
            }
            for reach in reaches
        ],
    }
    tables = [
        Table(
            "Who is told",
            ["Rule", "By", "Kinds", "Engines", "Enabled", "Last told (UTC)"],
            [
                [
                    reach.rule.name,
                    f"{reach.rule.get_channel_display()} to {rules.host_of(reach.rule.channel, reach.rule.address)}",
                    ", ".join(reach.rule.kinds),
                    ", ".join(reach.rule.engines),
                    "yes" if reach.rule.enabled else "no",
                    f"{reach.last_at:%Y-%m-%d %H:%M}" if reach.last_at else "never",
                ]
                for reach in reaches
            ],
            "Nobody is told when something happens: there is no rule.",
        ),
        Table(
            "Dead letters",
            ["Delivery", "Rule", "Notice", "Error"],
            [[str(letter.pk), str(letter.rule), str(letter.notice), letter.error] for letter in dead],
            "Every notice was delivered, or is on its way.",
        ),
    ]
    return Section("notices", "Notices", data, tables, late(standing))
