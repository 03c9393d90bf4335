"""A valid row of every model of ours, by the name of the model."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model

from access.models import Token
from examples.deals.models import Deal
from golive.models import GoLiveState
from governance import clock
from governance.happenings import Notice
from governance.models import AuditEvent, ChangeRequest, Epoch, Hold, JobRun, ReviewDecision, Seal
from heimdall.models import (
    HeimdallEvent,
    HeimdallEvidence,
    HeimdallPolicy,
    HeimdallRecommendation,
    HeimdallScorecardDay,
)
from notices.models import NoticeDelivery, NoticeRule
from regression.models import (
    KpiBatch,
    KpiEvent,
    RegressionBaseline,
    RegressionGap,
    RegressionIncident,
    RegressionPolicy,
    RegressionState,
)
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from tests.access.factories import UserFactory, secret_of
from tests.governance import factories as kernel
from tests.heimdall import factories as heimdall
from tests.notices import factories as notices
from tests.regression import factories as regression
from tests.riskguard import factories as riskguard

Make = Callable[..., Model]
_numbers = itertools.count(1)


def _deal(**more: Any) -> Deal:
    made = {"title": "Offer", "amount": 1, "signed": True, "reservation_id": 1, "actor": "bot"}
    return Deal.objects.create(**{**made, "created_at": clock.now(), **more})


def _token(**more: Any) -> Token:
    secret_of(UserFactory.create())
    token = Token.objects.latest("created")
    for name, value in more.items():
        setattr(token, name, value)
    token.save()
    return token


def _seal(**more: Any) -> Seal:
    made = {"chain": 1, "number": 1, "previous": "", "text": "{}", "hash": "0" * 64, "rows": 1}
    return Seal.objects.create(**{**made, "sealed_at": clock.now(), **more})


def _policy(**more: Any) -> RiskPolicy:
    """Return a policy of its own, where the factory would return the one that is there."""
    row = riskguard.PolicyFactory.build(**more)
    row.save(force_insert=True)
    return row


ROWS: dict[type[Model], Make] = {
    Hold: kernel.HoldFactory,
    Epoch: lambda **more: Epoch.objects.create(**{"pk": 1, **more}),
    ChangeRequest: kernel.ChangeRequestFactory,
    AuditEvent: kernel.AuditEventFactory,
    Seal: _seal,
    JobRun: lambda **more: JobRun.objects.create(**{"name": "seal", "started_at": clock.now(), **more}),
    ReviewDecision: kernel.ReviewDecisionFactory,
    Notice: notices.NoticeFactory,
    NoticeRule: notices.RuleFactory,
    NoticeDelivery: notices.DeliveryFactory,
    Token: _token,
    GoLiveState: lambda **more: GoLiveState.objects.create(**{"pk": 1, "updated_at": clock.now(), **more}),
    RiskPolicy: _policy,
    RiskLedgerDay: riskguard.LedgerDayFactory,
    RiskReservation: riskguard.ReservationFactory,
    RiskEvent: riskguard.EventFactory,
    HeimdallPolicy: heimdall.PolicyFactory,
    HeimdallScorecardDay: heimdall.ScorecardFactory,
    HeimdallEvidence: heimdall.EvidenceFactory,
    HeimdallRecommendation: heimdall.RecommendationFactory,
    HeimdallEvent: heimdall.EventFactory,
    KpiEvent: regression.EventFactory,
    KpiBatch: lambda **more: KpiBatch.objects.create(
        **{"at": clock.now(), "actor": "bot", "idempotency_key": "k", "event_ids": [1], **more}
    ),
    RegressionPolicy: regression.PolicyFactory,
    RegressionState: regression.StateFactory,
    RegressionGap: lambda **more: regression.GapFactory(**{"after_id": 1, "until_id": 2, **more}),
    RegressionBaseline: lambda **more: regression.BaselineFactory(**{"number": next(_numbers), **more}),
    RegressionIncident: regression.IncidentFactory,
    Deal: _deal,
}


def our_models() -> list[type[Model]]:
    """Return every model of ours that has a table."""
    ours = [config for config in apps.get_app_configs() if config.path.startswith(str(settings.BASE_DIR))]
    return [model for config in ours if "site-packages" not in config.path for model in config.get_models()]
