"""Both evaluators over real people at instants that have passed: Online Retail II, read in place from ../shared/data.

Every template that the data can answer, and some rules of parts that no template has, at five instants, over all rules at once. With
`-s` it says what was compared. SEGSYNC_REAL_INVOICES limits the invoices (1,000 by default; 0 is all of them, which takes minutes).
"""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from integrations.models import Shop
from segsync.evaluate.columnar import rewound
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.cuts import settings_of, worked_out
from segsync.evaluate.facts import FactsReader, everybody
from segsync.evaluate.models import Membership
from segsync.rules import interpret, windows
from segsync.rules.check import check_rule
from segsync.rules.edit import create_segment
from segsync.rules.moments import Moment
from segsync.rules.templates import offered, templates
from segsync.store.models import Order
from tests.retail_csv import write

DATA = Path(__file__).parents[4] / "shared" / "data" / "online_retail_ii_lines.parquet"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data/online_retail_ii_lines.parquet is not there")
INVOICES = int(os.environ.get("SEGSYNC_REAL_INVOICES", "1000")) or None
AVAILABLE = frozenset({"orders", "lines", "refunds"})
INSTANTS = 5
MORE = (
    "segments CONTAINS 'repeat'",
    "segments IS NULL",
    "anniversary('last_order_date') BETWEEN -7d AND +7d",
    "customer_id IN ('1', '2') OR benefit_sought != 'NONE'",
    "orders_refunded MATCHES (date >= -90d) THEN orders_placed NOT MATCHES () WITHIN 30d",
    "average_order_value IN BOTTOM 5%",
    "nps_rating IS NULL AND top_product_type IS NULL",
)


@pytest.fixture
def imported(shop: Shop, tmp_path: Path, settings: Settings) -> Shop:
    """The shop with the invoices, and a segment with a past."""
    settings.VAR_DIR = tmp_path
    write(DATA, tmp_path / "orders.csv", limit=INVOICES)
    call_command("import_orders", "--shop", shop.domain, str(tmp_path / "orders.csv"), stdout=io.StringIO())
    return shop


def test_every_template_that_the_data_can_answer_names_the_same_people_in_the_past(imported: Shop) -> None:
    shop = imported
    first, last = (Order.objects.order_by(name).values_list("placed_at", flat=True)[0] for name in ("placed_at", "-placed_at"))
    asked = {template.handle: Asked(check_rule(template.rule).rule, template.handle) for template in templates("Gifts") if offered(template, AVAILABLE)}
    asked |= {rule: Asked(check_rule(rule).rule) for rule in MORE}
    segment = create_segment(shop, handle="repeat", name="Repeat", description="", rule="number_of_orders >= 2", author=None, now=first)
    begun = first + (last - first) / 3
    stays = Order.objects.filter(customer__isnull=False, placed_at__lt=begun).values_list("customer", flat=True).distinct()
    Membership.objects.bulk_create(
        Membership(shop=shop, segment=segment, customer_id=id_, since=begun, until=last - (last - begun) * (id_ % 3) / 2, version_id=segment.version_id or 0)
        for id_ in stays
    )
    judged = members = 0
    seconds = {"interpreter": 0.0, "columnar": 0.0}
    for step in range(1, INSTANTS + 1):
        moment = Moment(first + (last - first) * step / INSTANTS, shop.tz)
        started = time.monotonic()
        by_definition, people = _interpreted(shop, asked, moment)
        seconds["interpreter"] += time.monotonic() - started
        started = time.monotonic()
        with rewound.opened(shop, asked, moment, settings_of(shop)) as run:
            by_columns = {key: set(run.members(key)) for key in asked}
        seconds["columnar"] += time.monotonic() - started
        assert {key for key in asked if by_columns[key] != by_definition[key]} == set(), moment.now
        judged += people * len(asked)
        members += sum(map(len, by_definition.values()))
    assert members
    times = ", ".join(f"{name} {taken:.1f} s" for name, taken in seconds.items())
    print(f"\n{len(asked)} rules at {INSTANTS} instants over {Order.objects.count():,} orders: {judged:,} judgements, {members:,} of them members; {times}.")


def _interpreted(shop: Shop, asked: dict[str, Asked], moment: Moment) -> tuple[dict[str, set[int]], int]:
    """Whom each rule names, one customer after another, and how many were judged."""
    rules = [each.rule for each in asked.values()]
    context = worked_out(shop, rules, moment.now, rewind=True)
    holds = {key: interpret.compile_rule(each.rule, moment, context, salt=each.handle) for key, each in asked.items()}
    needs, kinds = frozenset().union(*map(windows.needs, rules)), frozenset().union(*map(windows.activity_kinds, rules))
    reader = FactsReader(shop, needs, kinds, as_of=moment.now)
    found: dict[str, set[int]] = {key: set() for key in asked}
    people = 0
    for ids in everybody(shop, 500):
        for id_, facts in reader.read(ids).items():
            people += 1
            for key, judged in holds.items():
                if judged(facts):
                    found[key].add(id_)
    return found, people
