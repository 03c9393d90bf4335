"""The page on which an administrator issues a token: the secret is shown in the answer to the form, and never again."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from unfold.widgets import UnfoldAdminExpandableTextareaWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from access import rules, selectors, services
from access.serializers import MAX_ENGINES
from governance import changes, clock, names, roles
from governance.changes import Pending, Refused
from governance.console.pages import Page
from governance.errors import Invalid, NotFound
from governance.fields import MAX_TEXT
from governance.register import ConsolePage

LONGEST_DAYS = 366


class IssueForm(forms.Form):
    """Whose token, for which engines, for how long, and why."""

    account = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    engines = forms.CharField(
        required=False, max_length=MAX_TEXT, widget=UnfoldAdminTextInputWidget(),
        help_text="The engines that it acts for, such as WHOLESALE NOTIFY; empty: none, it reads.",
    )  # fmt: skip
    days = forms.IntegerField(
        label="Lasts", min_value=1, max_value=LONGEST_DAYS, initial=90,
        widget=UnfoldAdminTextInputWidget({"inputmode": "numeric", "suffix": "days"}),
        help_text=f"From 1 to {LONGEST_DAYS}.",
    )  # fmt: skip
    reason = forms.CharField(
        max_length=MAX_TEXT, widget=UnfoldAdminExpandableTextareaWidget(),
        help_text="Kept with the change in the audit trail.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the active accounts, each with its roles."""
        super().__init__(*args, **kwargs)
        held = selectors.roles_by_account().items()
        told = [(name, f"{name} ({', '.join(held_by) or 'no role'})") for name, held_by in held]
        self.fields["account"].choices = [("", "choose"), *told]  # type: ignore[attr-defined]  # a ChoiceField

    def clean_engines(self) -> list[str]:
        """Return the names in their one spelling, each once."""
        try:
            found = [names.engine(name) for name in re.split(r"[\s,]+", self.cleaned_data["engines"]) if name]
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None
        if len(set(found)) > MAX_ENGINES:
            raise forms.ValidationError(f"Names {len(set(found))} engines: at most {MAX_ENGINES}.")
        return sorted(set(found))


class IssueTokenPage(Page):
    """The form; a POST submits the change to the door, and its answer alone shows the secret."""

    title = "Issue a token"
    right = roles.ADMINISTER
    template_name = "access/issue_token.html"

    def told(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Return the empty form, for the account that the address names."""
        return self._asks(IssueForm(initial={"account": kwargs.get("target", "")}))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Issue the token, and show it once."""
        form = IssueForm(request.POST)
        told = (self._issued(request, form) if form.is_valid() else None) or self._asks(form)
        return render(request, self.template_name, {**self.context(request), **told})

    def _issued(self, request: HttpRequest, form: IssueForm) -> dict[str, Any] | None:
        """Return what is shown of the new token; None, with the errors in the form, where there is none."""
        asked, minted = form.cleaned_data, services.mint()
        ends = clock.now() + dt.timedelta(days=asked["days"])
        patch = {
            "key": minted.key, "digest": minted.digest, "engines": asked["engines"], "expires_at": ends.isoformat(),
        }  # fmt: skip
        try:
            outcome = changes.submit(
                action=rules.ISSUE, target=asked["account"], patch=patch, actor=request.user.get_username(),
                reason=asked["reason"],
            )  # fmt: skip
        except (Invalid, NotFound) as wrong:
            form.add_error(None, str(wrong))
            return None
        if isinstance(outcome, Refused):
            form.add_error(None, f"Refused: {outcome.message}")
            return None
        waits = outcome.change if isinstance(outcome, Pending) else None
        return {"secret": minted.secret, "key": minted.key, "asked": asked, "ends": ends, "waits": waits, **_back()}

    def _asks(self, form: IssueForm) -> dict[str, Any]:
        return {"form": form, **_back()}


def _back() -> dict[str, str]:
    return {"back": reverse("admin:access_token_changelist")}


# They stand where the console has the form of the action, which would ask a person for a digest.
_VIEW = f"{__name__}.{IssueTokenPage.__name__}"
PAGES = (
    ConsolePage(address=f"act/{rules.ISSUE}/", name="issue_token", view=_VIEW),
    ConsolePage(address=f"act/{rules.ISSUE}/<path:target>/", name="issue_token_of", view=_VIEW),
)
