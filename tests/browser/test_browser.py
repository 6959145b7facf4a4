"""What a merchant sees and does, in a real browser, while the demo keeps running."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from segsync.demo.oracle import SEGMENTS
from tests.browser.demo import Shown, sign_in

pytestmark = pytest.mark.browser
DESK = pytest.mark.parametrize("width", [1440], indirect=True)
FOLLOWS = 60.0  # seconds from a saved rule to the last mark


def fits(page: Page) -> bool:
    """Whether nothing sticks out sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def open_segment(page: Page, shown: Shown, name: str) -> None:
    page.goto(f"{shown.app}/admin/rules/segment/")
    page.get_by_role("link", name=name, exact=True).click()
    page.locator("#id_rule").wait_for()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_the_sandbox_page_shows_tags_and_lists(page: Page, shown: Shown) -> None:
    page.goto(shown.sandbox)
    for handle in SEGMENTS:
        page.locator("#tags").get_by_text(f"segsync:{handle}").first.wait_for()
    expect(page.locator("#lists")).to_contain_text("Repeat buyers")
    expect(page.locator("#segments")).to_contain_text("customer_tags CONTAINS 'segsync:repeat-buyers'")
    assert fits(page)


def test_the_segment_list_shows_eight_segments_with_their_sizes(admin: Page, shown: Shown) -> None:
    admin.goto(f"{shown.app}/admin/rules/segment/")
    rows = admin.locator("#result_list tbody tr, #changelist tbody tr")
    expect(rows).to_have_count(len(SEGMENTS))
    for row in rows.all():
        text = row.inner_text()
        assert any(word.isdigit() and int(word) > 0 for word in text.replace(",", "").split()), text
    assert fits(admin)


def test_the_first_page_tells_that_nothing_is_wrong(admin: Page, shown: Shown) -> None:
    expect(admin.get_by_text("Needs you", exact=True)).to_be_visible()
    expect(admin.get_by_text("Nothing", exact=True)).to_be_visible()
    expect(admin.locator("table.sg-segments tbody tr")).to_have_count(len(SEGMENTS))
    assert fits(admin)


def test_every_page_of_the_sidebar_opens_at_both_widths(admin: Page, shown: Shown) -> None:
    found = admin.locator("nav a[href^='/admin/']").evaluate_all("links => [...new Set(links.map(link => link.pathname))]")
    assert len(found) >= 12
    for path in found:
        admin.goto(f"{shown.app}{path}")
        expect(admin.locator("h1, h2").first).to_be_attached()
        assert fits(admin), path


def test_the_connections_page_shows_both_accounts(admin: Page, shown: Shown) -> None:
    state = shown.ask("state")
    admin.goto(f"{shown.app}/connect?shop={state['stores'][0]['domain']}")
    expect(admin.get_by_text(state["stores"][0]["domain"]).first).to_be_visible()
    expect(admin.get_by_text(str(state["portals"][0]["hub_id"])).first).to_be_visible()
    assert fits(admin)


def test_the_first_page_without_a_login_says_where_to_begin(page: Page, shown: Shown) -> None:
    page.goto(f"{shown.app}/")
    expect(page.get_by_role("heading").first).to_be_visible()
    assert fits(page)


@DESK
def test_a_wrong_rule_is_told_under_its_field_and_not_saved(admin: Page, shown: Shown) -> None:
    tags = shown.tagged("lapsed")
    open_segment(admin, shown, "Lapsed")
    rule = admin.locator("#id_rule")
    before = rule.input_value()
    rule.fill("number_of_odrers >= 3")
    save(admin)
    told = admin.locator("#id_rule_error, .errorlist").filter(has_text="number_of_odrers").first
    expect(told).to_be_visible()
    expect(told).to_contain_text("number_of_orders")  # what was probably meant
    error, field = told.bounding_box(), admin.locator("#id_rule").bounding_box()
    assert error is not None
    assert field is not None
    assert 0 <= error["y"] - (field["y"] + field["height"]) < 60
    assert admin.locator("#id_rule").input_value() == "number_of_odrers >= 3"  # what was written is not lost
    open_segment(admin, shown, "Lapsed")
    assert admin.locator("#id_rule").input_value() == before
    assert shown.tagged("lapsed") == tags


@DESK
def test_a_changed_rule_reaches_the_stores_tags_and_the_portals_list(admin: Page, shown: Shown) -> None:
    tags, members = shown.tagged("repeat-buyers"), shown.listed("SegSync: Repeat buyers")
    open_segment(admin, shown, "Repeat buyers")
    admin.locator("#id_rule").fill("number_of_orders >= 3")
    admin.locator("#id_reason").fill("Two orders are a coincidence")
    save(admin)
    expect(admin.get_by_text("of the rule is in force")).to_be_visible()
    wanted = {row["id"] for row in customers(shown) if row["orders"] >= 3}
    assert wanted < {row["id"] for row in customers(shown) if row["orders"] >= 2}
    deadline = time.monotonic() + FOLLOWS
    while not (tags > shown.tagged("repeat-buyers") >= wanted and shown.listed("SegSync: Repeat buyers") < members):
        assert time.monotonic() < deadline, (
            len(tags),
            len(wanted),
            len(shown.tagged("repeat-buyers")),
            len(members),
            len(shown.listed("SegSync: Repeat buyers")),
        )
        time.sleep(0.5)
    admin.goto(f"{shown.app}/admin/rules/segment/")
    row = admin.get_by_role("row").filter(has=admin.get_by_role("link", name="Repeat buyers", exact=True))
    expect(row).to_contain_text("number_of_orders >= 3")


def customers(shown: Shown) -> list[dict[str, int]]:
    """Every customer of the sandbox's store, with the number of their orders."""
    found: list[dict[str, int]] = shown.ask(f"{shown.shop}/customers?limit=500")["customers"]
    return found


def test_a_preview_and_the_way_back_fit_and_work_without_scripts(page: Page, shown: Shown, width: int, browser: Browser) -> None:
    sign_in(page, shown)
    context = browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 900}, storage_state=page.context.storage_state())
    plain = context.new_page()
    open_segment(plain, shown, "At risk")
    address = plain.url
    before = plain.locator("#id_rule").input_value()
    plain.locator("#id_rule").fill("number_of_orders > 500")
    plain.get_by_role("button", name="Preview").click()
    expect(plain.get_by_role("heading", name="Preview: nothing is saved yet")).to_be_visible()
    expect(plain.get_by_role("alert")).to_contain_text("would leave it")
    expect(plain.get_by_role("button", name="Save although")).to_be_visible()
    assert plain.locator("#id_rule").input_value() == "number_of_orders > 500"
    plain.goto(address)
    assert plain.locator("#id_rule").input_value() == before
    context.close()
    page.goto(address)
    page.locator("#id_rule").fill("number_of_orders > 500")
    page.get_by_role("button", name="Preview").click()
    page.locator("#preview").wait_for()
    assert fits(page)
    page.goto(address)
    page.get_by_role("link", name="Version 1", exact=True).click()
    expect(page.get_by_role("heading", name="Version 1 of At risk")).to_be_visible()
    assert fits(page)
