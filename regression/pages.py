"""A tripwire's page in the console: its series, its incident, how reliable it is, and what other settings would do."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from golive import selectors as golive
from governance import clock, names
from governance.console.offers import Button
from governance.console.pages import Page
from governance.errors import Invalid
from regression import charts, rules, selectors, tracing, words
from regression.models import RegressionIncident, RegressionPolicy, RegressionState
from regression.selectors import Reliability
from regression.tracing import Span, Trace
from riskguard import selectors as riskguard

if TYPE_CHECKING:
    from regression.previewing import Previewed

SHOWN_INCIDENTS = 20
DETECTORS = ((rules.WINDOW, "WINDOW"), (rules.SEQUENTIAL, "SEQUENTIAL"), ("", "both"))
_DAY = dt.timedelta(days=1)
_SPANS = (("24 hours", _DAY), ("7 days", 7 * _DAY), ("30 days", 30 * _DAY))
_YEARS = range(1970, 3000)


def href(domain: str, metric: str, query: Mapping[str, Any] | None = None) -> str:
    """Return the address of a tripwire's page."""
    address = reverse("admin:tripwire", kwargs={"domain": domain, "metric": metric})
    return f"{address}?{urlencode(query)}" if query else address


def incident_href(incident: RegressionIncident) -> str:
    """Return the address of a tripwire's page that shows an incident."""
    return href(incident.domain, incident.metric, {"incident": incident.pk})


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: a stretch of time, and the settings to preview, of which there may be none."""

    span: Span
    variants: Sequence[RegressionPolicy] = ()


class TripwirePage(Page):
    """One tripwire."""

    template_name = "regression/tripwire.html"

    def prepare(self, request: HttpRequest, **kwargs: Any) -> str:
        """Find the tripwire."""
        try:
            pair = names.engine(kwargs["domain"]), names.metric(kwargs["metric"])
        except ValueError as wrong:
            raise Http404(str(wrong)) from None
        policy = selectors.policy(*pair)
        if policy is None:
            raise Http404(words.missing(*pair))
        self.policy = policy
        self.title = f"Tripwire {policy}"
        return self.right

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Show the page; what is malformed in the address is told beside it, with 400."""
        try:
            asked, wrong = self._asked(request), {}
        except Invalid as malformed:
            asked, wrong = Asked(Span()), malformed.errors
        shown = {**self.context(request), **self._shown(request, asked), "wrong": wrong}
        return render(request, self.template_name, shown, status=400 if wrong else 200)

    def _asked(self, request: HttpRequest) -> Asked:
        start, end = (_moment(request, name) for name in ("from", "to"))
        if start and end and start > end:
            raise Invalid({"from": ["Must not be after the end."]})
        # A moment is told to the second, and what arrived within it belongs to it.
        span = Span(start, end and end + dt.timedelta(microseconds=999_999), self._incident(request))
        return Asked(span, self._variants(request))

    def _incident(self, request: HttpRequest) -> RegressionIncident | None:
        """Return the incident that the address names."""
        asked = request.GET.get("incident", "")
        if not asked:
            return None
        try:
            number = int(rules.incident_number(asked))
        except ValueError as wrong:
            raise Invalid({"incident": [str(wrong)]}) from None
        found = self._incidents().filter(pk=number).first()
        if found is None:
            raise Invalid({"incident": [f"{self.policy} has no incident {asked}."]})
        return found

    def _incidents(self) -> QuerySet[RegressionIncident]:
        return RegressionIncident.objects.filter(domain=self.policy.domain, metric=self.policy.metric)

    def _variants(self, request: HttpRequest) -> Sequence[RegressionPolicy]:
        """Return the settings to preview: the present one, and each threshold by each detector that is asked for."""
        drops = [text.strip() for text in request.GET.get("max_drop", "").split(",") if text.strip()]
        if not drops:
            return ()
        from regression import comparing, previewing  # noqa: PLC0415 -- numpy takes 0.1 s, which no other page pays

        if len(drops) > previewing.MOST_DROPS:
            raise Invalid({"max_drop": [f"Compare at most {previewing.MOST_DROPS} thresholds at a time."]})
        chosen = request.GET.get("detector", "")
        try:
            asked = comparing.variants(self.policy, detectors=[chosen] if chosen else comparing.DETECTORS, drops=drops)
            present = comparing.variants(
                self.policy, detectors=[self.policy.detector], drops=[self.policy.max_drop_fraction]
            )
        except Invalid as wrong:
            said = wrong.errors.get("max_drop_fraction")
            raise Invalid({"max_drop": said} if said else wrong.errors) from None
        same = {(each.detector, each.max_drop_fraction) for each in present}
        return [*present, *(each for each in asked if (each.detector, each.max_drop_fraction) not in same)]

    def _shown(self, request: HttpRequest, asked: Asked) -> dict[str, Any]:
        policy, states = self.policy, RegressionState.objects
        state = states.filter(domain=policy.domain, metric=policy.metric).first()
        trace = tracing.trace(policy, state, asked.span)
        incidents = list(self._incidents().order_by("-pk")[:SHOWN_INCIDENTS])
        incident = asked.span.incident or next(
            (each for each in incidents if each.status != RegressionIncident.Status.RESOLVED),
            incidents[0] if incidents else None,
        )
        preview, reliable = self._preview(asked, trace), self._reliability()
        return {
            "policy": policy,
            "state": state,
            "threshold": f"{policy.max_drop_fraction.normalize():f}",
            "trace": trace,
            "chart": charts.watched(trace, policy, *((preview.tried, preview.history) if preview else ())),
            "moments": [f"{at:%Y-%m-%dT%H:%M:%S}" for at in trace.at],
            "links": self._links(trace, asked.span),
            "span": {name: request.GET.get(name, "") for name in ("from", "to")},
            "incident": incident,
            "way": charts.way(incident) if incident else None,
            "next_step": words.next_step(incident, state) if incident else "",
            "recovery": self._recovery(incident, state),
            "incidents": incidents,
            "reliable": reliable,
            "times": words.times(reliable) if reliable else {},
            "pins": selectors.standing_pins(policy),
            "preview": preview,
            "looked_at": f"{len(preview.history.events):,}" if preview else "",
            "drops": [10, 20, 30, 50],
            "rows": words.previewed(preview.history, preview.tried) if preview else [],
            "asked_drop": request.GET.get("max_drop", f"{policy.max_drop_fraction.normalize():f}"),
            "asked_detector": request.GET.get("detector", ""),
            "detectors": DETECTORS,
            "actions": {
                "rearm": rules.REARM, "acknowledge": rules.ACKNOWLEDGE, "resolve": rules.RESOLVE,
                "set_policy": rules.SET_POLICY, "pin": rules.PIN,
            },
            "back": request.get_full_path(),
        }  # fmt: skip

    def _preview(self, asked: Asked, trace: Trace) -> Previewed | None:
        if not asked.variants:
            return None
        from regression import previewing  # noqa: PLC0415 -- as above

        upto = trace.points[-1].id if trace.points else rules.END
        return previewing.preview(self.policy, asked.variants, upto=upto)

    def _links(self, trace: Trace, span: Span) -> list[Button]:
        """Return the ways to other stretches: of a length, and from the one that is shown."""
        now, pair = clock.now(), (self.policy.domain, self.policy.metric)
        links = [Button(f"Newest {tracing.NEWEST:,} events", href(*pair), "")]
        links += [Button(name, href(*pair, {"from": _told(now - length)}), "") for name, length in _SPANS]
        links.append(Button("All", href(*pair, {"from": "1970-01-01T00:00:00"}), ""))
        if not trace.at:
            return links
        start, end = span.start or trace.at[0], span.end or trace.at[-1]
        start = max(start, trace.at[0] - _DAY)
        length = max(end - start, dt.timedelta(seconds=2))
        moves = (
            ("Earlier", start - length, start), ("Later", end, end + length),
            ("Closer", start + length / 4, end - length / 4), ("Wider", start - length, end + length),
        )  # fmt: skip
        return links + [
            Button(name, href(*pair, {"from": _told(one), "to": _told(two)}), "") for name, one, two in moves
        ]

    def _reliability(self) -> Reliability | None:
        newest = self._incidents().order_by("-pk").values("pk")[: selectors.RELIABLE_OVER]
        found = selectors.reliability(RegressionIncident.objects.filter(pk__in=newest))
        return found[0] if found else None

    def _recovery(
        self, incident: RegressionIncident | None, state: RegressionState | None
    ) -> tuple[str, str, str, str] | None:
        """Return the change that lets go of what the trip pulled: action, target, label and patch; None: nothing to."""
        if incident is None or incident.mode == rules.SHADOW or state is None or state.triggered:
            return None
        if incident.status == RegressionIncident.Status.RESOLVED:
            return None
        if incident.action == rules.KILL_SWITCH:
            engaged = golive.state().kill_switch_engaged
            return ("kill_switch.release", "", "Release the kill switch", "") if engaged else None
        if riskguard.is_enabled(self.policy.domain):
            return None
        return "risk.policy.set", self.policy.domain, "Enable", '{"enabled": true}'


def _moment(request: HttpRequest, name: str) -> dt.datetime | None:
    """Return a time of the address, in UTC where it names no zone."""
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    try:
        at = parse_datetime(text)
        if at is None or at.year not in _YEARS:
            raise ValueError
        return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
    except ValueError:
        raise Invalid({name: ["Must be a time in UTC, such as 2026-11-24T02:00:00."]}) from None


def _told(at: dt.datetime) -> str:
    return f"{max(at, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}"
