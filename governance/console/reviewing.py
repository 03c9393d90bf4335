"""The Monday review: the last week against the week before, what has earned promotion, and the decision it ends in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from governance import clock, register, review, verdicts
from governance.console import charts
from governance.console.forms import ChangeForm, seen
from governance.console.offers import href, may
from governance.console.pages import Page
from governance.errors import Invalid
from governance.models import ReviewDecision
from governance.sections import Section

QUESTIONS = {"broke": "What broke", "denied": "What was denied", "drifted": "What drifted"}
PAST_SHOWN = 8


class ReviewPage(Page):
    """The review; its form submits the decision to the page of that action, which answers and comes back."""

    title = "Review"
    template_name = "console/review.html"

    def told(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Return what every lever tells. The queries are as many whatever the history holds."""
        week, wrong = request.GET.get("week", ""), ""
        period = review.last_week()
        if week:
            try:
                period = review.week_of(_day(week))
            except Invalid as odd:
                week, wrong = "", " ".join(odd.errors["week"])
        told, friday = review.sections(period), review.promotions(period)
        past = list(ReviewDecision.objects.all()[: PAST_SHOWN + 1])
        return {
            "period": period,
            "week": period.start.date().isoformat() if week else "",
            "wrong": wrong,
            "weeks": _weeks(),
            "before": period.before(),
            "alarms": [(section.name, f"{section.title}: {alarm}") for section in told for alarm in section.alarms],
            "questions": compared(told),
            "sections": [(section, drawn(section)) for section in told],
            "friday": [(section, drawn(section)) for section in friday],
            "past": past[:PAST_SHOWN],
            "older": len(past) > PAST_SHOWN,
            "back": reverse("admin:review"),
            **({} if week else _decision(request)),
        }


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Invalid({"week": ["Must be a day, such as 2026-11-23."]}) from None


def _weeks() -> list[tuple[str, str]]:
    """Return the periods that a person looks at most, with the Mondays by which the address names them."""
    monday = clock.now().date() - dt.timedelta(days=clock.now().weekday())
    return [
        ("Last seven days", ""), ("This week", monday.isoformat()), ("Last week", f"{monday - review.WEEK}"),
    ]  # fmt: skip


def compared(told: Iterable[Section]) -> list[tuple[str, list[Any]]]:
    """Return each question with every lever's figures that answer it."""
    figures = [figure for section in told for figure in section.compared]
    return [(title, [figure for figure in figures if figure.question == name]) for name, title in QUESTIONS.items()]


def drawn(section: Section) -> list[charts.Chart]:
    """Return the section's plots as the template takes them."""
    return [charts.drawn(plot) for plot in section.plots]


def _decision(request: HttpRequest) -> dict[str, Any]:
    spec = register.action(verdicts.DECIDE)
    if not may(request, spec.right):
        return {}
    form = ChangeForm(spec, {}, {})
    return {
        "form": form,
        "seen": seen({}, form.controls),
        "verdicts": ReviewDecision.Verdict.choices,
        "decide": href(spec.name, back=reverse("admin:review")),
    }
