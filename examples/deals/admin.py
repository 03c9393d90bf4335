"""The deals in the console, read-only."""

from __future__ import annotations

from django.contrib import admin

from examples.deals.models import Deal
from governance.console import filters
from governance.console.histories import HistoryScreen


@admin.register(Deal)
class DealScreen(HistoryScreen):
    """Deals."""

    empty = "Book one with POST /api/deals."
    moment = "created_at"
    list_display = ("id", "title", "amount", "signed", "realized_loss", "actor", "created_at")
    list_filter = (("signed", filters.YesNo), filters.exactly("reservation_id", "reservation", filters.number))
