"""A page of a real browser on the site, which fails its test on a console error or a request that leaves the host.

With VALHALLA_SCREENSHOTS=FOLDER each test leaves a picture of its page's last state there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

PATIENCE = 20_000  # milliseconds, on a machine that does other things too
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}
# The first has no tabs and menus, which take a third of the others' time though nobody sees them.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    # A request to another host fails, which its page logs: to be told of each request takes longer.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
]  # fmt: skip


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start one browser for the folder's tests; without one they are skipped."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: install {BROWSERS[0]} or chromium to run this test")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, and Django would refuse the ORM beside one.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer) -> str:
    """Serve the site as the migrations leave it: production is disabled. Return its address."""
    return live_server.url


@pytest.fixture(scope="package")
def window(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """Open one window for the folder's tests, which keeps the scripts and styles that it has once loaded."""
    with browser.new_context(base_url=live_server.url, viewport=VIEWPORT) as window:
        window.set_default_timeout(PATIENCE)
        yield window


@pytest.fixture
def context(window: BrowserContext, site: str) -> Iterator[BrowserContext]:
    """Lend the window, with no page, no cookie and nothing stored; addresses may be given without the host."""
    yield window
    window.clear_cookies()
    for page in window.pages:
        storage = {"origin": site, "storageTypes": "local_storage,session_storage"}
        window.new_cdp_session(page).send("Storage.clearDataForOrigin", storage)
        page.close()


@pytest.fixture
def page(context: BrowserContext, site: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return a page; what went wrong on it, or was asked of another host, fails the test."""
    page = context.new_page()
    wrong: list[str] = []
    failed: list[str] = []
    visited: set[str] = set()

    def logged(message: ConsoleMessage) -> None:
        if message.type == "error" and message.text.startswith("Failed to load resource"):
            failed.append(message.location["url"])
        elif message.type == "error":
            wrong.append(f"console: {message.text} ({message.location['url']})")

    page.on("framenavigated", lambda frame: visited.add(urldefrag(frame.url).url))
    page.on("console", logged)
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    yield page
    if folder := os.environ.get("VALHALLA_SCREENSHOTS"):
        name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
        page.screenshot(path=Path(folder) / f"{name}.png")
    wrong += [f"left the host: {address}" for address in visited if not address.startswith((site, "about:"))]
    # A page that is told with 403 or 404 is logged as a failed resource, and is what the test came to see.
    wrong += [f"not loaded: {address}" for address in failed if address not in visited]
    assert wrong == []


@pytest.fixture
def signed_in(context: BrowserContext, site: str) -> User:
    """Sign a superuser in, on every page of the window, and return it."""
    user = User.objects.create_superuser("operator", password="correct horse battery")
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])
    return user
