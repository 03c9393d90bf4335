"""The part of the review that says who may act."""

from __future__ import annotations

import datetime as dt

from access import selectors
from governance.sections import Period, Section, Table

SOON = dt.timedelta(days=14)


def section(period: Period) -> Section:
    """Return who holds which role, and which tokens end within a fortnight of the period."""
    ending = selectors.tokens_ending(period.end, period.end + SOON)
    holders = selectors.accounts_by_role()
    data = {
        "roles": holders,
        "tokens_ending": [{"token": f"{token}", **token.snapshot()} for token in ending],
    }
    tables = [
        Table(
            "Accounts by role",
            ["Role", "Accounts"],
            [[role, ", ".join(names)] for role, names in holders.items() if names],
            "No account has a role.",
        ),
        Table(
            "Tokens that end within 14 days",
            ["Token", "Account", "Engines", "Ends (UTC)"],
            [
                [f"{token}", token.user.get_username(), ", ".join(token.engines), f"{token.expiry:%Y-%m-%d %H:%M}"]
                for token in ending
            ],
            "No token ends soon.",
        ),
    ]
    alarms = [f"{len(ending)} token(s) end within 14 days: issue new ones"] if ending else []
    return Section("access", "Access", data, tables, alarms)
