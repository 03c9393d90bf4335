"""``manage.py notices``: rules, tests, secrets and dead letters from a shell."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.shell import operator, submit
from notices import rules, selectors, signing
from notices.models import NoticeRule

ALL = ["rules", "set", "test", "secret", "dead", "retry"]


class Command(BaseCommand):
    """Show and change who is told of what."""

    help = "Who is told of what happens. Exit status 1: refused; 4: waits for approval."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, with which rule, and what it is to be."""
        parser.add_argument("what", choices=ALL, help="Show the rules or dead letters, or do this with a rule.")
        parser.add_argument("rule", nargs="?", default="", help="The rule: all but rules and dead need one.")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--webhook", metavar="ADDRESS", help="Send it signed webhooks, to this address.")
        where.add_argument("--mail", metavar="ADDRESSES", help="Send it mail.")
        parser.add_argument("--kinds", help="Kinds with commas between them; * is every one but heartbeat (default).")
        parser.add_argument("--engines", help="Engines with commas between them; * is every one (default).")
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--enable", dest="enabled", action="store_true", default=None, help="Send again.")
        switch.add_argument("--disable", dest="enabled", action="store_false", help="Send nothing.")
        parser.add_argument("--actor", default="", help="Who does it (default: the shell's user).")
        parser.add_argument("--reason", default="", help="Why.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it and say what came of it."""
        what = options["what"]
        if what not in {"rules", "dead"} and not options["rule"]:
            raise CommandError("Say which rule.")
        if what == "rules":
            for reach in selectors.reaches():
                told = f"last told {reach.last_at:%Y-%m-%d %H:%M} UTC" if reach.last_at else "never told"
                self._show(reach.rule, f"{reach.waiting} waiting, {reach.dead} given up, {told}")
        elif what == "dead":
            for letter in selectors.dead_letters():
                self.stdout.write(f"{letter.pk} {letter.rule}: {letter.notice}: {letter.error}")
        else:
            getattr(self, f"_{what}")(options)

    def _set(self, options: dict[str, Any]) -> None:
        channel = rules.WEBHOOK if options["webhook"] else rules.MAIL if options["mail"] else None
        asked = {
            "channel": channel,
            "address": options["webhook"] or options["mail"],
            **{name: options[name] for name in ("kinds", "engines", "enabled")},
        }
        patch = {name: value for name, value in asked.items() if value is not None}
        self._show(self._done(rules.SET, options, patch))

    def _test(self, options: dict[str, Any]) -> None:
        delivery = self._done(rules.TEST, options)
        self.stdout.write(f"A test is on its way: delivery {delivery.pk}.")

    def _secret(self, options: dict[str, Any]) -> None:
        salt = signing.new_salt()
        self._done(rules.DRAW, options, {"salt": salt})
        self.stdout.write(signing.secret(salt))
        self.stderr.write("It is shown only now. The secret before signs too for 24 hours.")

    def _retry(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"{self._done(rules.RETRY_ALL, options)} dead letter(s) are tried again.")

    def _done(self, action: str, options: dict[str, Any], patch: dict[str, Any] | None = None) -> Any:
        who, why = operator(options["actor"]), options["reason"]
        return submit(action=action, target=options["rule"], patch=patch, actor=who, reason=why)

    def _show(self, rule: NoticeRule, more: str = "") -> None:
        how = f"{rule.get_channel_display()} to {rules.host_of(rule.channel, rule.address)}"
        what = f"{', '.join(rule.kinds)} of {', '.join(rule.engines)}"
        parts = [how, what, "enabled" if rule.enabled else "disabled", more]
        self.stdout.write(f"{rule.name}: {'; '.join(part for part in parts if part)}")
