"""One precise message for every mistake, whatever the text, and at once."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segsync.rules.check import check_rule
from segsync.rules.errors import RuleError
from segsync.rules.vocabulary import Vocabulary

MISTAKES = [
    # text, line, column, part of the message, suggestion
    ("number_of_order = 1", 1, 1, "`number_of_order` is not an attribute.", "number_of_orders"),
    ("NUMBER_OF_ORDERS = 1", 1, 1, "is not an attribute", "number_of_orders"),
    ("number_of_orders >= 1\n  AND amount_spend > 5", 2, 7, "`amount_spend` is not an attribute", "amount_spent"),
    ("zzzzqqq = 1", 1, 1, "`zzzzqqq` is not an attribute.", None),
    ("email.opened MATCHES ()", 1, 1, "is not an activity", "emails.opened"),
    ("orders_placed MATCHES (dat >= -3d)", 1, 24, "`dat` is not a parameter of orders_placed", "date"),
    ("orders_placed MATCHES (xyzzy = 1)", 1, 24, "which takes date, amount,", None),
    ("orders_placed = 1", 1, 1, "is an activity; write orders_placed MATCHES", None),
    ("number_of_orders MATCHES ()", 1, 1, "is an attribute and takes no MATCHES", None),
    ("amount_spent CONTAINS 'x'", 1, 1, "is an amount of money and does not take CONTAINS; it takes =, !=", None),
    ("customer_tags = 'vip'", 1, 1, "it takes CONTAINS or IS NULL", None),
    ("email_subscription_status > 'PENDING'", 1, 1, "does not take >", None),
    ("orders_placed MATCHES (discounted > true)", 1, 24, "does not take >", None),
    ("orders_placed MATCHES (date IS NULL)", 1, 24, "does not take IS NULL", None),
    ("number_of_orders = 2.5", 1, 20, "a whole number such as 3", None),
    ("number_of_orders = 'two'", 1, 20, "a whole number such as 3", None),
    ("amount_spent > -30d", 1, 16, "an amount such as 49.99", None),
    ("last_order_date >= '2026-01-31'", 1, 20, "without quotes", None),
    ("last_order_date >= 5", 1, 20, "a date such as", None),
    ("customer_language = true", 1, 21, "a text in quotes", None),
    ("customer_id = -5", 1, 15, "an id such as", None),
    ("checkouts_abandoned MATCHES (recovered = 'no')", 1, 42, "true or false", None),
    ("rfm_group = 'CHAMPION'", 1, 13, "'CHAMPION' is not a value of `rfm_group`", "'CHAMPIONS'"),
    ("rfm_group = 'at_risk'", 1, 13, "is not a value", "'AT_RISK'"),
    ("sms_subscription_status = 'INVALID'", 1, 27, "is not a value", None),
    ("customer_countries CONTAINS 'Canada'", 1, 29, "looks like 'CA'", None),
    ("usage_rate = 'HEAVVY'", 1, 14, "'HEAVVY' is not a value of `usage_rate`", "'HEAVY'"),
    ("churn_probability > 0.5", 1, 1, "`churn_probability` has no data yet; it takes SegSync's prediction models.", None),
    ("expected_next_order_date < +7d", 1, 1, "`expected_next_order_date` has no data yet", None),
    ("predicted_value_365d IN TOP 10%", 1, 1, "`predicted_value_365d` has no data yet", None),
    ("companies CONTAINS 'Acme'", 1, 20, "is not a value of `companies`, which looks like 1234567", None),
    ("companies = 1.5", 1, 13, "an id such as", None),
    ("customer_cities CONTAINS 'Los Angeles'", 1, 26, "looks like 'US-CA-LosAngeles'", None),
    ("created_by_app_id = 7", 1, 1, "Shopify does not share this data with apps; the nearest rule that works is orders_placed MATCHES (app_id", None),
    ("hubspot.lifecyclestage = 'customer'", 1, 1, "it takes the property definitions of a connected HubSpot portal.", None),
    ("storefront.page_viewed MATCHES (query = 'x')", 1, 33, "`query` has no data yet; it takes the storefront pixel.", None),
    ("storefront.cart_added MATCHES ()", 1, 1, "`storefront.cart_added` has no data yet; it takes the storefront pixel.", None),
    ("storefront.cart_added MATCHES (coun = 1)", 1, 32, "`coun` is not a parameter", "count"),
    ("amount_spent IN TOP 0%", 1, 1, "above 0% and at most 100%; found 0%", None),
    ("amount_spent NOT IN BOTTOM 100.5%", 1, 1, "at most 100%; found 100.5%", None),
    ("amount_spent IN TOP 2.5", 1, 1, "a whole number of customers, such as IN TOP 500", None),
    ("amount_spent IN TOP 0", 1, 1, "a whole number of customers", None),
    ("customer_tags NOT IN BOTTOM 10", 1, 1, "has no BOTTOM", None),
    ("orders_placed MATCHES () THEN emails.opened MATCHES () WITHIN 0h", 1, 63, "a duration is above 0", None),
    ("orders_placed MATCHES () THEN emails.opened MATCHES () WITHIN 9999999w", 1, 63, "at most 200 years", None),
    ("orders_placed MATCHES () THEN emails.opened MATCHES (count > 2) WITHIN 1h", 1, 54, "`count` sums up rows", None),
    ("orders_placed NOT MATCHES () THEN emails.opened MATCHES () WITHIN 24h", 1, 1, "only the activity after THEN", None),
    ("anniversary('metafields.facts.birth_date') = today", 1, 1, "it takes Shopify's customer metafield definitions", None),
    ("anniversary('first_order_dat') = today", 1, 1, "is not a date of the customer", "first_order_date"),
    ("anniversary('customer_language') = today", 1, 1, "`customer_language` is a text and has no anniversary.", None),
    ("anniversary('first_order_date') >= -24h", 1, 36, "an anniversary is a day", None),
    ("anniversary(1) = today", 1, 1, "expected one field in quotes", None),
    ("store_credit_accounts MATCHES ()", 1, 1, "Shopify does not share this data with apps", None),
    ("shopify_email.opened MATCHES ()", 1, 1, "emails.opened MATCHES", None),
    ("amount_spent = 2026-02-30", 1, 16, "2026-02-30 is not a day in the calendar.", None),
    ("last_order_date > 2026-01-31T25:00:00", 1, 19, "not a date and time that exist", None),
    ("last_order_date > 2026-01-31T16:00", 1, 19, "YYYY-MM-DDTHH:MM:SS", None),
    ("last_order_date > 2026-1-5", 1, 19, "Days are written YYYY-MM-DD", None),
    ("last_order_date > 0001-01-01", 1, 19, "years go from 1900 to 2199", None),
    ("last_order_date > -9999999d", 1, 19, "at most 200 years", None),
    ("last_order_date > -99999999999999d", 1, 19, "too long ago", None),
    ("last_order_date > 30d", 1, 19, "Write a sign", None),
    ("last_order_date > -30days", 1, 19, "Offsets end in d, w, m, y, h or min", None),
    ("amount_spent > 1e308", 1, 16, "without an exponent", None),
    ("amount_spent > 99999999999999999999", 1, 16, "too long", None),
    ("amount_spent == 5", 1, 14, "found == where a value should be. Operators are", None),
    ("amount_spent => 5", 1, 14, "found =>", None),
    ("customer_language = fr", 1, 21, "Text stands in single quotes", None),
    ('customer_language = "fr"', 1, 21, "straight single quotes", None),
    ("customer_language = ‘fr’", 1, 21, "straight single quotes", None),
    ("customer_language = 'fr", 1, 21, "is not closed", None),
    ("customer_language = 'fr\nAND amount_spent > 5", 1, 21, "is not closed", None),
    ("customer_language = 'a\\' OR 1=1", 1, 21, "is not closed", None),
    ("amount_spent BETWEN 1 AND 2", 1, 14, "found BETWEN", "BETWEEN"),
    ("amount_spent > 1 adn amount_spent < 5", 1, 18, "found adn where AND, OR or the end of the rule should be", "AND"),
    ("amount_spent >", 1, 15, "the rule ends where a value should be", None),
    ("amount_spent > 1 AND", 1, 21, "the rule ends where a condition should be", None),
    ("AND amount_spent > 1", 1, 1, "found AND where a condition should be", None),
    ("(amount_spent > 1", 1, 18, "the bracket opened at line 1, column 1 is not closed", None),
    ("amount_spent > 1)", 1, 17, "this ) closes nothing", None),
    ("orders_placed MATCHES (count > 1", 1, 33, "the bracket opened at line 1, column 23", None),
    ("orders_placed MATCHES date > -3d", 1, 23, "found date where ( should be", None),
    ("orders_placed() = 5", 1, 17, "write orders_placed MATCHES", None),
    ("", 1, 1, "the rule is empty", None),
    (" \n\t ", 1, 1, "the rule is empty", None),
    ("-- nothing but a comment", 1, 25, "the rule ends where a condition should be", None),
    ("amount_spent\x00 > 1", 1, 13, "U+0000", None),
    ("amount_spent > 1 \x1b[2J", 1, 18, "U+001B", None),
    ("customer_language = 'a\u202eb'", 1, 23, "U+202E", None),
    ("customer_language = '\ud800'", 1, 22, "U+D800", None),
    ("amount\u200b_spent > 1", 1, 7, "U+200B", None),
    ("שלום = 1", 1, 1, "where a condition should be", None),
    ("number_of_orders = 1; DROP TABLE x", 1, 21, "found ;", None),
]


@pytest.mark.parametrize(("text", "line", "column", "part", "suggestion"), MISTAKES)
def test_a_mistake_is_named_with_its_place(text: str, line: int, column: int, part: str, suggestion: str | None) -> None:
    with pytest.raises(RuleError) as caught:
        check_rule(text)
    error = caught.value
    assert (error.line, error.column) == (line, column), str(error)
    assert part in str(error)
    assert error.suggestion == suggestion
    assert str(error).startswith(f"Line {line}, column {column}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < 400


def test_the_nearest_name_is_offered_in_the_message() -> None:
    with pytest.raises(RuleError, match=r"`number_of_order` is not an attribute\. Did you mean `number_of_orders`\?"):
        check_rule("number_of_order = 1")


ONE = "number_of_orders=1"
AT_THE_LIMIT = [
    " OR ".join([ONE] * 200),
    "(" * 20 + ONE + ")" * 20,
    "NOT (" * 20 + ONE + ")" * 20,
    f"number_of_orders IN ({','.join(map(str, range(500)))})",
    "customer_language = '" + "x" * (20_000 - 22) + "'",
    "orders_placed MATCHES (" + ",".join(["count BETWEEN 1 AND 2"] * 199) + ")",
]


@pytest.mark.parametrize("text", AT_THE_LIMIT)
def test_a_rule_at_a_limit_is_accepted(text: str) -> None:
    check_rule(text)


OVER_A_LIMIT = [
    (" OR ".join([ONE] * 201), "200 conditions"),
    ("(" * 21 + ONE + ")" * 21, "20 deep"),
    ("NOT (" * 21 + ONE + ")" * 21, "20 deep"),
    (f"number_of_orders IN ({','.join(map(str, range(501)))})", "500 values"),
    ("customer_language = '" + "x" * 20_000 + "'", "20,000"),
    ("(" * 10_000, "20 deep"),
    (")" * 20_000, "condition should be"),
    ("'" * 20_001, "20,000"),
    ("NOT " * 5_000, "found NOT"),
    ("a=1 OR " * 2_800 + "a=1", "200 conditions"),
    ("p MATCHES (" + "a=1," * 4_900 + "a=1)", "1,000"),
    ("a IN (" + "1," * 9_900 + "1)", "500 values"),
    ("x" * 20_000, "ends where"),
    ("customer_tags CONTAINS " * 800, "found customer_tags"),
    ("-" * 20_000, "ends where a condition"),
    ("1" * 20_000, "condition should be"),
    ("amount_spent > " + "9" * 19_000, "too long"),
    ("last_order_date > -" + "9" * 19_000 + "d", "too long ago"),
    ("\\" * 20_000, "condition should be"),
    ("'" + "\\'" * 9_000, "not closed"),
]


@pytest.mark.parametrize(("text", "part"), OVER_A_LIMIT)
def test_a_hostile_text_gets_one_message_at_once(text: str, part: str) -> None:
    began = time.perf_counter()
    with pytest.raises(RuleError) as caught:
        check_rule(text)
    # A tenth of a second is the promise; the test allows for a busy machine and fails on anything that blows up.
    assert time.perf_counter() - began < 1
    assert part in str(caught.value)


PIECES = """
number_of_orders amount_spent orders_placed MATCHES NOT AND OR ( ) , = >= <> 1 2.5 -30d +1h 'x' ' \\ -- BETWEEN IN TOP % CONTAINS
IS NULL THEN WITHIN 24h date : true today 2026-01-31 2026-02-31 anniversary hubspot.x é ’
"""
WORDS = st.sampled_from([*PIECES.split(), "\n", "\r\n", "\u202e", "\x00", "\u00a0"])


def _complaint(text: str) -> RuleError | None:
    try:
        check_rule(text)
    except RuleError as error:
        return error
    return None


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS, max_size=25).map("".join)))
def test_any_text_is_a_rule_or_a_rule_error(text: str) -> None:
    error = _complaint(text)
    assert error is None or (error.line >= 1 and error.column >= 1 and error.message)


def test_what_a_shops_platform_withholds_is_refused_with_what_it_takes() -> None:
    shop = Vocabulary(withheld={"companies": "a store with B2B", "orders_placed.location_id": "the scope read_locations"})
    for text, refusal in (
        ("companies IS NULL", "`companies` has no data yet; it takes a store with B2B."),
        ("orders_placed MATCHES (location_id = 3)", "`location_id` has no data yet; it takes the scope read_locations."),
        ("orders_placed MATCHES (location_id = 3) THEN emails.opened MATCHES () WITHIN 1h", "it takes the scope read_locations."),
    ):
        check_rule(text)
        with pytest.raises(RuleError) as caught:
            check_rule(text, shop)
        assert refusal in str(caught.value)
