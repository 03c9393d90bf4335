from __future__ import annotations

import importlib
import runpy

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
POLICY = (
    "base-uri 'none'; connect-src 'self'; default-src 'none'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; script-src 'self'{}; style-src 'self'"
)


def policy(path: str) -> str:
    answer = Client().get(path)
    return "; ".join(sorted(answer["Content-Security-Policy"].split("; ")))


@pytest.mark.parametrize("path", ["/docs", "/api/governance", "/api/deals", "/nothing", "/health"])
def test_a_page_loads_nothing_but_what_this_site_serves(path: str) -> None:
    assert policy(path) == POLICY.format("")


def test_the_reference_adds_the_two_style_elements_of_its_bundle_by_their_digests() -> None:
    told = policy("/redoc")
    assert told == policy("/redoc/")
    assert told.startswith(POLICY.format(""))
    assert [source[:8] for source in told.removeprefix(POLICY.format("")).split()] == ["'sha256-"] * 2


def test_the_console_may_evaluate_text_and_nothing_wider() -> None:
    assert policy("/admin/login/") == POLICY.format(" 'unsafe-eval'")


def test_no_page_is_framed_and_no_type_is_guessed() -> None:
    answer = Client().get("/admin/login/")
    assert (answer["X-Frame-Options"], answer["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert (answer["Referrer-Policy"], answer["Cross-Origin-Opener-Policy"]) == ("same-origin", "same-origin")


@pytest.mark.parametrize(("https", "secure"), [("1", True), ("0", False)])
def test_with_https_cookies_and_transport_are_for_https_alone(
    https: str, secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS", https)
    read = runpy.run_path(str(importlib.util.find_spec("valhalla.settings").origin))  # type: ignore[union-attr]
    for name in (
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    ):
        assert read[name] is secure
    assert read["SECURE_HSTS_SECONDS"] == (31_536_000 if secure else 0)
    assert (read["SESSION_EXPIRE_AT_BROWSER_CLOSE"], read["SESSION_COOKIE_AGE"]) == (True, 43_200)
