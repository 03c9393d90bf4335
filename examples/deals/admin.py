"""The deals in the console, read-only."""

from __future__ import annotations

from django.contrib import admin

from examples.deals.models import Deal
from governance.console.screens import Screen


@admin.register(Deal)
class DealScreen(Screen):
    """Deals."""

    list_display = ("id", "title", "amount", "signed", "realized_loss", "actor", "created_at")
    list_filter = ("signed",)
    search_fields = ("title", "actor")
