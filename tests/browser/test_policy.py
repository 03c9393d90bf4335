"""Every page keeps to the content security policy: one that breaks it logs a console error, which fails its test."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.sqlite  # no database changes a page


def visit(page: Page, path: str, status: int = 200) -> None:
    answer = page.goto(path, wait_until="networkidle")
    assert answer is not None
    assert answer.status == status, path
    assert "content-security-policy" in answer.headers


def test_the_console(page: Page, signed_in: User) -> None:
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        visit(page, reverse(f"{name}_changelist"))
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            visit(page, reverse(f"{name}_change", args=[row.pk]))
    for path in ("/admin/", "/admin/review/", "/admin/heimdall/what-if/", "/admin/password_change/"):
        visit(page, path)


def test_signing_in_and_out(page: Page, site: str) -> None:
    User.objects.create_superuser("jo", password="correct horse battery")
    visit(page, "/admin/")
    page.fill("[name=username]", "jo")
    page.fill("[name=password]", "correct horse battery")
    page.press("[name=password]", "Enter")
    expect(page).to_have_url(f"{site}/admin/")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api/governance"])
def test_the_api_and_its_documentation(page: Page, path: str) -> None:
    visit(page, path)
    page.wait_for_timeout(500)
