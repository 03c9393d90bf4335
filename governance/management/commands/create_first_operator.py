"""``manage.py create_first_operator``: the account that a new installation starts with."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Create a first superuser, once."""

    help = "Create a first operator with a fresh password, printed once; does nothing where a superuser exists."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the account's name."""
        parser.add_argument("--username", default="operator", help="The account's name.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create it unless there is one."""
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            self.stdout.write("There is an operator already; to set a password: manage.py changepassword NAME")
            return
        if users.filter(username=options["username"]).exists():
            raise CommandError(f"{options['username']} is an account already: say --username NAME.")
        password = secrets.token_urlsafe(15)
        users.create_superuser(options["username"], password=password)
        self.stdout.write(f"First operator: {options['username']}   password: {password}   (shown only now)")
