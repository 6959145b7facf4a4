"""One demo and one browser for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.demo import CHROMIUM, Shown, chromium, running_demo, sign_in, watch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shown(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with running_demo(tmp_path_factory.mktemp("browser")) as shown:
        yield shown


@pytest.fixture(params=[375, 1440])
def width(request: pytest.FixtureRequest) -> int:
    """A telephone and a desk."""
    return int(request.param)


@pytest.fixture
def page(browser: Browser, width: int) -> Iterator[Page]:
    """An empty page that must stay without errors and never ask another host."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(15_000)
    troubles = watch(page)
    yield page
    page.context.close()
    assert troubles == []


@pytest.fixture
def admin(page: Page, shown: Shown) -> Page:
    """The admin's first page, signed in."""
    sign_in(page, shown)
    return page
