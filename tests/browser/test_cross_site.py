"""A page of another site cannot turn a switch of the open API through the operator's browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from governance.models import AuditEvent

pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("browser")]  # no database changes a page

FORM = """<form method="post" action="{site}/api/governance/go-live/kill-switch/engage" enctype="{kind}">
<input name="reason" value="gotcha"></form><script>document.forms[0].submit()</script>"""


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
def test_a_cross_site_form_post_is_refused(context: BrowserContext, site: str, kind: str) -> None:
    before = AuditEvent.objects.count()
    page = context.new_page()
    body = FORM.format(site=site, kind=kind)
    page.route("http://evil.example/", lambda route: route.fulfill(body=body, content_type="text/html"))
    with page.expect_response("**/kill-switch/engage") as told:
        page.goto("http://evil.example/")
    assert told.value.status == 401
    assert AuditEvent.objects.count() == before
