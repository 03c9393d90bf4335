"""``kill -9`` of the delivering process, again and again: every notice reaches its receiver, at least once.

``make chaos`` is the long form: CHAOS_NOTICES=2000 CHAOS_NOTICE_KILLS=10 pytest --database=postgresql tests/chaos.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction
from standardwebhooks.webhooks import Webhook

from governance import clock, outbox
from governance.happenings import Notice
from notices import signing
from notices.models import NoticeDelivery
from tests import forking
from tests.forks import Fork
from tests.notices.factories import RuleFactory
from tests.notices.receiving import Receiver, receiving

NOTICES = int(os.environ.get("CHAOS_NOTICES", "80"))
KILLS = int(os.environ.get("CHAOS_NOTICE_KILLS", "2"))
# The lease of a killed process is three times as long.
TIMEOUT_SECONDS = 1
PATIENCE_SECONDS = 120

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Receive with the pauses of a network, so that a kill meets every moment of a delivery."""
    with receiving() as made:
        dice = random.Random(7)
        made.pause = lambda: dice.uniform(0, 0.004)
        yield made


def test_no_kill_of_the_deliverer_loses_a_notice(receiver: Receiver, tell: Callable[[str], None]) -> None:
    rule = RuleFactory(address=receiver.address())
    with transaction.atomic():
        for number in range(NOTICES):
            outbox.tell("kill_switch.engaged", actor="chaos", reason=f"{number}", epoch=number)
    began, moments = time.monotonic(), Counter[str]()
    for kill in range(1, KILLS + 1):
        with _delivering() as process:
            assert receiver.wait_for(kill * NOTICES // (KILLS + 1), PATIENCE_SECONDS)
            process.kill()
        moments["was under way"] += NoticeDelivery.objects.filter(status="WAITING", tries__gt=0).exists()
    while NoticeDelivery.objects.filter(status="WAITING").exists() or Notice.objects.filter(routed_at=None).exists():
        _end_the_lease()
        with _delivering() as process:
            assert process.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - began < 10 * PATIENCE_SECONDS
    times = Counter(receiver.ids())
    assert set(times) == {f"msg_{uid.hex}" for uid in Notice.objects.values_list("uid", flat=True)}
    assert len(times) == NOTICES
    assert NoticeDelivery.objects.filter(status="DELIVERED").count() == NOTICES
    # What was sent twice was under way when its process was killed, and one is under way to a receiver at a time.
    assert sum(times.values()) - NOTICES <= KILLS
    verifier = Webhook(signing.secret(rule.salt))
    for letter in receiver.letters:
        assert verifier.verify(letter.body, letter.headers)["type"] == "kill_switch.engaged"
    tell(
        f"{NOTICES} notices through {KILLS} kill -9s of the deliverer, {moments['was under way']} amid a delivery: "
        f"none lost, {sum(times.values()) - NOTICES} sent twice, in {time.monotonic() - began:.0f} s."
    )


def _delivering() -> Fork:
    """Start the deliverer on the database of this test."""
    url = os.environ["DATABASE_URL"]
    base, _, socket = url.partition("?")
    name = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "DATABASE_URL": f"{base.rpartition('/')[0]}/{name}?{socket}",
        "NOTICE_ALLOWED_NETWORKS": "127.0.0.1",
        "NOTICE_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
    }
    return forking.start(["manage.py", "deliver_notices"], environment)


def _end_the_lease() -> None:
    """Let the lease of what a killed process held be over, for which nobody waits in a test."""
    NoticeDelivery.objects.filter(status="WAITING").update(due_at=clock.database_now())
