"""Pictures of every page of the console for the documents, from demo data: ``make screenshots`` runs this."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from PIL import Image
from playwright.sync_api import Page, expect

from golive.services import enable
from governance.changes import Pending, submit
from regression.models import RegressionIncident
from riskguard.models import RiskPolicy, RiskReservation
from valhalla.env import BASE_DIR

FOLDER = BASE_DIR / "docs" / "images"
COLOURS = 256  # few enough for a small file, enough for text to stay smooth and keep its colour
MODES = {"light": (1280, 900, "light"), "dark": (1280, 900, "dark"), "phone": (390, 844, "light")}


def picture(page: Page, name: str) -> None:
    """Write what the window shows, with a small palette."""
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(Path(FOLDER) / f"{name}.png", optimize=True)


def test_pictures(page: Page, signed_in: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    call_command("seed_demo", verbosity=0)
    call_command("deliver_notices", verbosity=0)
    enable(actor="olga", reason="The Monday review was healthy", override=True)
    monkeypatch.setattr(settings, "API_AUTH", "token")
    monkeypatch.setattr(settings, "FOUR_EYES", True)
    more = {"max_daily_exposure": 900, "max_open_risk": 900}
    waits = submit(
        action="risk.policy.set", target="CAPITAL", patch=more, actor="olga", reason="The fair needs more room"
    )
    assert isinstance(waits, Pending)
    incident = RegressionIncident.objects.latest("pk")
    policy = RiskPolicy.objects.get(engine="WHOLESALE")
    held = RiskReservation.objects.filter(status="SETTLED", day=incident.opened_at.date()).latest("pk")
    pages = {
        "control-plane": "/admin/",
        "kill-switch": "/admin/act/kill_switch.engage/",
        "change-caps": "/admin/act/risk.policy.set/CAPITAL/",
        "policies": "/admin/riskguard/riskpolicy/",
        "policy": f"/admin/riskguard/riskpolicy/{policy.pk}/change/",
        "history": f"/admin/history/risk.policy.set/{policy.engine}/",
        "inbox": f"/admin/changes/{waits.change.pk}/",
        "incident": f"/admin/regression/regressionincident/{incident.pk}/change/",
        "tripwire": f"/admin/tripwires/{incident.domain}/{incident.metric}/?incident={incident.pk}",
        "audit-trail": "/admin/governance/auditevent/",
        "review": "/admin/review/",
        "what-if": "/admin/heimdall/what-if/?domain=WHOLESALE_OFFER&min_confidence_prod=0.85",
        "calibration": "/admin/heimdall/calibration/",
        "reservation": f"/admin/riskguard/riskreservation/{held.pk}/change/",
        "domains": "/admin/heimdall/heimdallpolicy/",
        "tripwires": "/admin/regression/regressionpolicy/",
        "tokens": "/admin/access/token/",
        "notice-rules": "/admin/notices/noticerule/",
    }
    for mode, (width, height, scheme) in MODES.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": height})
        for name, address in pages.items():
            page.goto(address)
            page.wait_for_load_state("networkidle")
            if name == "change-caps":
                page.get_by_label("Max daily exposure").fill("950")
                expect(page.get_by_text("more today").or_(page.get_by_text("waits for a second")).first).to_be_visible()
            picture(page, f"{name}-{mode}")
