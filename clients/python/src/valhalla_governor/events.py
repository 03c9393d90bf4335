"""KPI events as they wait for delivery, checked when they come: a malformed one would hold up those behind it."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

MOST_VALUE, MOST_CORRELATION = 1e15, 64
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One observation of a metric: exactly one of ``success`` and ``value``."""

    domain: str
    metric: str
    success: bool | None = None
    value: float | None = None
    correlation_id: str = ""

    def wrong(self) -> dict[str, list[str]]:
        """Return what is wrong with it, by field; nothing where it can be sent."""
        return {field: [said] for field, said in self._faults() if said}

    def body(self) -> dict[str, Any]:
        """Return it as the governor takes it."""
        return {name: told for name, told in dataclasses.asdict(self).items() if told not in {None, ""}}

    def _faults(self) -> list[tuple[str, str]]:
        faults = [
            (field, "" if _NAME.fullmatch(name.strip()) else "Must be 1 to 64 letters, digits, '_', '-' or '.'.")
            for field, name in (("domain", self.domain), ("metric", self.metric))
        ]
        if (self.success is None) == (self.value is None):
            faults.append(("success", "Give exactly one of success and value."))
        if self.success is not None and not isinstance(self.success, bool):
            faults.append(("success", "Must be True or False."))
        if self.value is not None and not _is_number(self.value):
            faults.append(("value", f"Must be a finite number within {MOST_VALUE:g}."))
        if len(self.correlation_id) > MOST_CORRELATION or not self.correlation_id.isprintable():
            faults.append(("correlation_id", f"Must be at most {MOST_CORRELATION} printable characters."))
        return faults


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST_VALUE
