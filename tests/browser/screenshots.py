"""`make screenshots`: the pictures of README, taken from a fresh demo store."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.demo import CHROMIUM, Shown, chromium, running_demo, sign_in, watch
from tests.config.commands import ROOT

FOLDER = ROOT / "docs" / "screenshots"
CUSTOMERS = 2000
WIDTH, HEIGHT = 1440, 900


def take(page: Page, name: str) -> None:
    """Write the whole page as it stands, in a window that is tall enough: bars that stick to its edges stay there."""
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.wait_for_load_state("domcontentloaded" if name == "sandbox" else "networkidle")  # the sandbox's page never stops asking
    tall = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": WIDTH, "height": max(HEIGHT, tall)})
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    print(f"docs/screenshots/{name}.png")


def tour(page: Page, shown: Shown) -> None:
    """Every page that README shows."""
    page.goto(shown.sandbox)
    page.locator("#tags").get_by_text("segsync:repeat-buyers").first.wait_for()
    page.locator("#lists").get_by_text("Repeat buyers").first.wait_for()
    take(page, "sandbox")
    sign_in(page, shown)
    take(page, "dashboard")
    page.goto(f"{shown.app}/connect?shop={shown.ask('state')['stores'][0]['domain']}")
    take(page, "connect")
    page.goto(f"{shown.app}/admin/rules/segment/")
    take(page, "segments")
    page.get_by_role("link", name="Champions", exact=True).click()
    page.locator("#id_rule").wait_for()
    take(page, "segment")
    champion = shown.ask(f"{shown.shop}/customers?limit=1&tag=segsync:champions")["customers"][0]
    page.goto(f"{shown.app}/admin/store/customer/?q={champion['email']}")
    page.locator("#result_list tbody tr th a, #result_list tbody tr td a").first.click()
    page.wait_for_url("**/change/**")
    take(page, "customer")


def main() -> int:
    """0 when every picture was taken and no page had anything wrong."""
    if CHROMIUM is None:
        print("Chromium is not installed (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), CUSTOMERS) as shown, chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        troubles = watch(page)
        tour(page, shown)
    print(*troubles, sep="\n", file=sys.stderr)
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
