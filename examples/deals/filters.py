"""Filters of the deals."""

from __future__ import annotations

from typing import ClassVar

from examples.deals.models import Deal
from governance.filters import FilterSet


class DealFilter(FilterSet):
    """Deals by outcome and actor."""

    class Meta:
        model = Deal
        fields: ClassVar = ["signed", "actor"]
