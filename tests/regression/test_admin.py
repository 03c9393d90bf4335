from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from regression.models import RegressionGap
from tests.regression.factories import EventFactory, rearm, tripped

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # what its lists ask of PostgreSQL: console/test_opening.py
MODELS = ("kpievent", "regressionpolicy", "regressionstate", "regressionincident", "regressiongap")


@pytest.fixture
def console(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def _history() -> None:
    tripped()
    rearm()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.usefixtures("_history")
def test_rows_are_listed_searched_and_shown(console: Client, model: str) -> None:
    # A history is searched by what an index finds, and narrowed by its names.
    asked = {"domain": "OFFERS"} if model == "kpievent" else {"q": "OFFERS"}
    listed = console.get(reverse(f"admin:regression_{model}_changelist"), asked)
    assert listed.status_code == 200
    assert "OFFERS" in listed.content.decode()
    row = listed.context["cl"].result_list[0]
    shown = console.get(reverse(f"admin:regression_{model}_change", args=[row.pk]))
    assert shown.status_code == 200


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.usefixtures("_history")
def test_nothing_is_added_edited_or_deleted_here(console: Client, model: str) -> None:
    row = console.get(reverse(f"admin:regression_{model}_changelist")).context["cl"].result_list[0]
    assert console.get(reverse(f"admin:regression_{model}_add")).status_code == 403
    assert console.post(reverse(f"admin:regression_{model}_change", args=[row.pk]), {}).status_code == 403
    assert console.post(reverse(f"admin:regression_{model}_delete", args=[row.pk])).status_code == 403
    assert RegressionGap.objects.count() == 1


def test_the_list_of_events_asks_the_same_number_of_queries_at_one_row_and_at_ten(console: Client) -> None:
    counts = []
    for more in (1, 9):
        for _ in range(more):
            EventFactory()
        with CaptureQueriesContext(connection) as seen:
            console.get(reverse("admin:regression_kpievent_changelist"))
        counts.append(len(seen))
    assert counts[0] == counts[1]
