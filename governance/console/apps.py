"""The admin, with the console's site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's admin on the console's site."""

    default_site = "governance.console.site.ConsoleSite"
