"""The one page on which a person changes something: any registered action, on any target. It acts on POST alone."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme

from governance import changes, register
from governance.changes import Applied, Pending, Preview, Refused
from governance.console import figures
from governance.console.forms import ChangeForm, seen
from governance.console.offers import href
from governance.console.pages import Page
from governance.errors import Invalid, NotFound
from governance.register import Action

MOVED = "This has changed since the page was opened: look at it as it stands now, and submit again."
IDLE = "Nothing would change: alter a field first."


class Row(NamedTuple):
    """One control that would change."""

    label: str
    before: str
    after: str
    loosens: bool


class ActPage(Page):
    """An action's form with what it would do; a POST submits it to the door."""

    template_name = "console/act.html"

    def prepare(self, request: HttpRequest, **kwargs: Any) -> str:
        """Find the action, and return the right that it needs."""
        try:
            self.spec = register.action(kwargs["action"])
        except NotFound as wrong:
            raise Http404(str(wrong)) from None
        self.target = kwargs.get("target", "")
        self.title = self.spec.label
        self.subtitle = self.target
        return self.spec.right

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Show the form, or ask for the target where the address names none and the action needs one."""
        asked = request.GET.get("target", "")
        if not self.target and (asked or not _takes_none(self.spec)):
            return self._ask(request, asked)
        form = self._form(request)
        try:
            return self._shown(request, form, self._preview(form))
        except Invalid as wrong:
            if _preset(request):
                raise BadRequest(str(wrong)) from None
            return self._shown(request, form, None)  # something new, of which a person has yet to say what it is

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Submit what the form asks for, unless the target has moved under it."""
        form = self._form(request, request.POST)
        told = self._told(form)
        if told is None or not form.is_valid() or not _is_ready(form, told):
            return self._shown(request, form, told)
        try:
            outcome = changes.submit(
                action=self.spec.name,
                target=self.target,
                patch={name: value for name, value in form.asked().items() if name in told.changed},
                actor=request.user.get_username(),
                reason=form.cleaned_data["reason"],
            )
        except Invalid as wrong:
            form.blame(wrong.errors)
            return self._shown(request, form, told)
        if isinstance(outcome, Refused):
            form.add_error(None, f"Refused: {outcome.message}")
            return self._shown(request, form, None)
        _answer(request, f"{self.spec.label} {self.target}".rstrip(), rows(self.spec, told), outcome)
        return HttpResponseRedirect(_back(request))

    def _form(self, request: HttpRequest, data: Any = None) -> ChangeForm:
        try:
            standing = changes.standing(action=self.spec.name, target=self.target)
        except (Invalid, NotFound) as wrong:
            raise Http404(str(wrong)) from None
        return ChangeForm(self.spec, standing, _preset(request), request.GET.getlist("ask"), data)

    def _preview(self, form: ChangeForm) -> Preview:
        reason = form.cleaned_data.get("reason", "") if form.is_bound else ""
        return changes.preview(action=self.spec.name, target=self.target, patch=form.asked(), reason=reason)

    def _told(self, form: ChangeForm) -> Preview | None:
        """Return what a bound form would do; None, with the errors put into the form, where it cannot be told."""
        form.is_valid()
        if any(name in form.errors for name in form.controls):
            return None
        try:
            return self._preview(form)
        except Invalid as wrong:
            form.blame(wrong.errors)
            return None

    def _ask(self, request: HttpRequest, asked: str) -> HttpResponse:
        error = ""
        if asked:
            try:
                return HttpResponseRedirect(href(self.spec.name, self.spec.spell(asked), back=_back(request)))
            except Invalid as wrong:
                error = " ".join(wrong.errors["target"])
        told = {"spec": self.spec, "asked": asked, "error": error, "back": _back(request)}
        return render(request, "console/ask.html", {**self.context(request), **told})

    def _shown(self, request: HttpRequest, form: ChangeForm, told: Preview | None) -> HttpResponse:
        return render(request, self.template_name, {**self.context(request), **self._words(request, form, told)})

    def _words(self, request: HttpRequest, form: ChangeForm, told: Preview | None) -> dict[str, Any]:
        return {
            "spec": self.spec,
            "target": self.target,
            "form": form,
            "preview_url": f"{reverse('admin:act_preview', kwargs=self.kwargs)}?{request.GET.urlencode()}",
            "back": _back(request),
            "full": href(self.spec.name, self.target, back=_back(request)) if _preset(request) else "",
            **effect(self.spec, form, told),
        }


class PreviewPart(ActPage):
    """What the form as it is filled would do: a part of the page, asked for while a person types. It never acts."""

    template_name = "console/effect.html"
    http_method_names = ("post",)

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Return the part; the form is only read."""
        form = self._form(request, request.POST)
        return render(request, self.template_name, effect(self.spec, form, self._told(form)))


def effect(spec: Action, form: ChangeForm, told: Preview | None) -> dict[str, Any]:
    """Return what a template shows of a preview: the rows that change, the verdict, and what it means."""
    if told is None:
        wrong = [name for name in form.controls if name in form.errors]
        said = [f"{form.fields[name].label}: {' '.join(map(str, form.errors[name]))}" for name in wrong]
        unseen = form.data.get("seen", "") if form.is_bound else seen(form.standing, form.controls)
        return {"known": False, "problems": said, "seen": unseen}
    changing = rows(spec, told)
    return {
        "known": True,
        "rows": changing,
        "verdict": _verdict(spec, told, changing),
        "effects": told.effects,
        "refusal": told.refusal,
        "seen": seen(told.before, form.controls),
    }


def rows(spec: Action, told: Preview) -> list[Row]:
    """Return the controls that would change, with their values as a person reads them."""
    fields = spec.schema().fields
    return [
        Row(
            figures.label(name, fields.get(name)),
            figures.shown(value, fields.get(name)),
            figures.shown(told.after[name], fields.get(name)),
            name in told.loosening,
        )
        for name, value in told.before.items()
        if told.after[name] != value
    ]


def _verdict(spec: Action, told: Preview, changing: list[Row]) -> tuple[str, str]:
    """Return a tone and what happens on submitting, in a sentence."""
    if not changing and spec.schema().fields.keys() & told.before.keys():
        return "idle", "Nothing changes yet."
    if not told.loosening:
        return "tightens", "Loosens nothing: applied at once."
    if not settings.FOUR_EYES:
        return "loosens", "Loosens a control: applied at once, since four eyes is off."
    if spec.divisible and any(not row.loosens for row in changing):
        return "loosens", "What loosens waits for a second person; the rest is applied at once."
    return "loosens", "Loosens a control: waits for a second person."


def _is_ready(form: ChangeForm, told: Preview) -> bool:
    if form.data.get("seen", "") != seen(told.before, form.controls):
        form.add_error(None, MOVED)
    elif form.schema.keys() & told.before.keys() and told.after == told.before:
        form.add_error(None, IDLE)
    return form.is_valid()


def _takes_none(spec: Action) -> bool:
    try:
        return spec.spell("") == ""
    except Invalid:
        return False


def _preset(request: HttpRequest) -> dict[str, Any]:
    """Return the fields that the link presets, from the JSON object in ``patch``."""
    try:
        preset = json.loads(request.GET.get("patch", "{}"))
    except ValueError:
        preset = None
    if not isinstance(preset, dict):
        raise BadRequest("patch must be a JSON object.")
    return preset


def _back(request: HttpRequest) -> str:
    """Return the page that a person came from, if it is one of this site's, else the control plane."""
    asked = request.GET.get("next", "")
    hosts = {request.get_host()}
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts=hosts, require_https=request.is_secure())
    return asked if safe else reverse("admin:index")


def _answer(request: HttpRequest, what: str, changing: list[Row], outcome: Applied | Pending) -> None:
    told = "; ".join(f"{row.label}: {row.before} → {row.after}" for row in changing)
    if isinstance(outcome, Applied):
        messages.success(request, f"Applied: {what}. {told}".rstrip())
        return
    link = reverse("admin:change", args=[outcome.change.pk])
    half = " What tightens was applied at once." if outcome.result is not None else ""
    said = '{} waits for a second person: <a class="vh-link" href="{}">change request {}</a>.{}'
    messages.warning(request, format_html(said, what, link, outcome.change.pk, half))
