"""The snapshot follows the record database, and whatever happens to its files, the next look gives the right people."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from django.db import transaction
from django.db.models import F

from integrations.models import Shop
from segsync.evaluate.columnar import differences, engine, files, layout, snapshot
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.models import Snapshot
from segsync.rules.check import check_rule
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment
from segsync.store.identity import merge
from segsync.store.models import Customer, Profile
from tests.factories import NOON, customer, line, order, product, tell

LATER = NOON + timedelta(minutes=5)


def members(shop: Shop, current: Snapshot, rule: str = "orders_placed MATCHES (count >= 2)") -> set[str]:
    """The store's ids of who belongs, by the snapshot."""
    with engine.opened(shop, current, {1: Asked(check_rule(rule).rule)}, Moment(LATER, shop.tz), ShopContext()) as run:
        return set(Profile.objects.filter(customer__in=list(run.members(1))).values_list("external_id", flat=True))


def rows(shop: Shop, current: Snapshot, table: str) -> int:
    """How many rows of a table the base holds."""
    with duckdb.connect() as connection:
        return int(connection.execute(f"SELECT count(*) FROM '{files.folder(shop.pk) / current.base / files.file_name(table)}'").fetchall()[0][0])


def folders(shop: Shop) -> set[str]:
    return {found.name for found in files.folder(shop.pk).iterdir()}


@pytest.fixture
def people(shop: Shop) -> None:
    """Thirty customers with an order each, the first two with two."""
    tell(shop, "shopify", product("9"), *(customer(str(n)) for n in range(1, 31)))
    tell(shop, "shopify", *(order(f"o{n}", str(n), lines=(line(f"o{n}", "l1"),)) for n in range(1, 31)))
    tell(shop, "shopify", order("second1", "1"), order("second2", "2"))


@pytest.mark.usefixtures("people", "var")
class TestAShopWithASnapshot:
    def test_it_gives_the_people_of_the_record_database(self, shop: Shop) -> None:
        current = snapshot.refresh(shop, NOON)
        assert (current.base_customers, current.delta, current.as_of) == (30, "", NOON)
        assert members(shop, current) == {"1", "2"}
        assert len(members(shop, current, "products_purchased MATCHES (category = 'shoes')")) == 30

    def test_only_who_changed_is_read_again(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        first = snapshot.refresh(shop, NOON)
        tell(shop, "shopify", order("second3", "3"), now=LATER)
        read: list[int] = []
        real = snapshot.FactsReader.read

        def watched(self: snapshot.FactsReader, ids: Collection[int]) -> Any:
            read.extend(ids)
            return real(self, list(ids))

        monkeypatch.setattr(snapshot.FactsReader, "read", watched)
        second = snapshot.refresh(shop, LATER)
        assert len(read) == 1
        assert (second.base, second.delta_customers, second.generation) == (first.base, 1, first.generation + 1)
        assert members(shop, second) == {"1", "2", "3"}
        assert members(shop, second, "products_purchased MATCHES (category = 'Shoes', distinct_products = 1)") == {str(n) for n in range(1, 31)}

    def test_a_second_delta_holds_the_people_of_the_first_too(self, shop: Shop) -> None:
        snapshot.refresh(shop, NOON)
        tell(shop, "shopify", order("second3", "3"), now=LATER)
        snapshot.refresh(shop, LATER)
        tell(shop, "shopify", order("second4", "4"), order("third3", "3"), now=LATER)
        current = snapshot.refresh(shop, LATER)
        assert current.delta_customers == 2
        assert members(shop, current) == {"1", "2", "3", "4"}
        assert members(shop, current, "orders_placed MATCHES (count = 3)") == {"3"}

    def test_nothing_new_writes_nothing(self, shop: Shop) -> None:
        first = snapshot.refresh(shop, NOON)
        second = snapshot.refresh(shop, LATER)
        assert (second.generation, second.as_of) == (first.generation, LATER)

    def test_a_delta_above_a_tenth_of_the_base_becomes_part_of_a_new_base(self, shop: Shop) -> None:
        first = snapshot.refresh(shop, NOON)
        tell(shop, "shopify", *(order(f"second{n}", str(n)) for n in range(3, 7)), now=LATER)
        current = snapshot.refresh(shop, LATER)
        assert (current.delta, current.base_customers) == ("", 30)
        assert current.base != first.base
        assert members(shop, current) == {str(n) for n in range(1, 7)}

    def test_a_new_base_forgets_who_is_gone_and_what_nobody_bought(self, shop: Shop) -> None:
        first = snapshot.refresh(shop, NOON)
        assert rows(shop, first, "goods") == 1
        Customer.objects.filter(profiles__external_id__in=["3", "4"]).delete()
        for round_ in range(3):
            # The same product again and again, in a delta of its own each time; the last one is too large for a delta.
            told = [order(f"o{n}", str(n), version=LATER, lines=(line(f"o{n}", f"l{round_}"),)) for n in range(5, 6 + 3 * round_)]
            tell(shop, "shopify", *told, now=LATER)
            current = snapshot.refresh(shop, LATER)
        assert (current.delta, rows(shop, current, "customers"), rows(shop, current, "goods")) == ("", 28, 1)
        assert current.next_goods == 1
        assert len(members(shop, current, "products_purchased MATCHES (category = 'Shoes', distinct_products = 1)")) == 28

    def test_whoever_changed_is_found_wherever_they_are(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(differences, "BLOCK", 4)
        monkeypatch.setattr(differences, "TOGETHER", 2)
        current = snapshot.refresh(shop, NOON)
        random = Random(7)
        ids = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
        for _ in range(20):
            changed, gone = sorted(random.sample(ids, random.randint(0, 5))), sorted(random.sample(ids, random.randint(0, 2)))
            with transaction.atomic():
                Customer.objects.filter(pk__in=changed).update(facts_version=F("facts_version") + 1)
                Customer.objects.filter(pk__in=gone).delete()
                new = Customer.objects.create(shop=shop, changed_at=NOON, created_at=NOON)
                with duckdb.connect() as connection:
                    known = f"SELECT id, facts_version FROM '{files.folder(shop.pk) / current.base / 'customers.parquet'}'"
                    expected = sorted({*changed, new.pk} - set(gone)), gone
                    assert differences.differences(shop, connection, known, snapshot.nothing) == expected
                transaction.set_rollback(True)

    def test_somebody_merged_or_erased_belongs_nowhere(self, shop: Shop) -> None:
        snapshot.refresh(shop, NOON)
        one, two, three = (Profile.objects.get(external_id=id_).customer_id for id_ in ("1", "2", "3"))
        with transaction.atomic():
            merge(shop.pk, one, two, LATER)
        Customer.objects.get(pk=three).delete()
        current = snapshot.refresh(shop, LATER)
        with engine.opened(shop, current, {1: Asked(check_rule("orders_placed MATCHES (count >= 1)").rule)}, Moment(LATER, shop.tz), ShopContext()) as run:
            assert not {two, three} & set(run.members(1))
            assert one in set(run.members(1))

    @pytest.mark.parametrize("harm", ["removed", "cut short", "scribbled over", "one bit turned"])
    def test_damaged_files_are_written_again(self, shop: Shop, harm: str) -> None:
        current = snapshot.refresh(shop, NOON)
        file = files.folder(shop.pk) / current.base / "customers.parquet"
        whole = file.read_bytes()
        match harm:
            case "removed":
                shutil.rmtree(file.parent)
            case "cut short":
                file.write_bytes(whole[: len(whole) // 2])
            case "scribbled over":
                file.write_bytes(bytes(len(whole)))
            case _:
                middle = len(whole) // 2
                file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        again = snapshot.refresh(shop, LATER)
        assert again.base != current.base
        assert members(shop, again) == {"1", "2"}

    def test_another_layout_or_time_zone_is_written_again(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        first = snapshot.refresh(shop, NOON)
        shop.timezone = "Asia/Tokyo"
        second = snapshot.refresh(shop, NOON)
        monkeypatch.setattr(layout, "VERSION", layout.VERSION + 1)
        third = snapshot.refresh(shop, NOON)
        assert len({first.base, second.base, third.base}) == 3

    def test_old_files_stay_for_readers_for_a_while_and_then_go(self, shop: Shop) -> None:
        first = snapshot.refresh(shop, NOON)
        tell(shop, "shopify", *(order(f"second{n}", str(n)) for n in range(3, 9)), now=LATER)
        second = snapshot.refresh(shop, LATER)
        assert {first.base, second.base} <= folders(shop)
        assert members(shop, first) == {"1", "2"}
        tell(shop, "shopify", order("another9", "9"), now=LATER)
        third = snapshot.refresh(shop, LATER + files.KEEP + timedelta(minutes=1))
        assert folders(shop) == {third.base, third.delta}

    def test_of_two_writers_the_first_to_publish_wins(self, shop: Shop) -> None:
        stale = snapshot.refresh(shop, NOON)
        tell(shop, "shopify", order("second3", "3"), now=LATER)
        first = snapshot.refresh(shop, LATER)
        second = snapshot._catch_up(shop, stale, LATER, snapshot.nothing)
        assert second is not None
        assert (second.generation, second.delta) == (first.generation, first.delta)

    def test_a_product_that_moves_while_it_is_written_moves_all_of_its_buyers(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        real = snapshot.FactsReader.read
        moved = product("9", category="Apparel > Hats", version=NOON + timedelta(minutes=1))

        def early(self: snapshot.FactsReader, ids: Collection[int]) -> Any:
            monkeypatch.setattr(snapshot.FactsReader, "read", real)
            found = real(self, list(ids))
            tell(shop, "shopify", moved, now=NOON)
            return found

        monkeypatch.setattr(snapshot, "BATCH", 10)
        monkeypatch.setattr(snapshot.FactsReader, "read", early)
        snapshot.refresh(shop, NOON)
        everybody = {str(n) for n in range(1, 31)}
        assert members(shop, snapshot.refresh(shop, LATER), "products_purchased MATCHES (category = 'Hats')") == everybody

    def test_facts_stored_while_it_is_written_are_seen_at_the_next_look(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        real = snapshot.FactsReader.read

        def late(self: snapshot.FactsReader, ids: Collection[int]) -> Any:
            monkeypatch.setattr(snapshot.FactsReader, "read", real)
            tell(shop, "shopify", order("second5", "5"), now=NOON)
            return real(self, list(ids))

        monkeypatch.setattr(snapshot.FactsReader, "read", late)
        current = snapshot.refresh(shop, NOON)
        five = Profile.objects.get(external_id="5").customer
        with engine.opened(shop, current, {}, Moment(NOON, shop.tz), ShopContext()) as run:
            assert run.versions([five.pk])[five.pk] < five.facts_version
        assert members(shop, snapshot.refresh(shop, LATER)) == {"1", "2", "5"}


WRITER = """
import sys, duckdb
from pathlib import Path
from segsync.evaluate.columnar import files, layout
connection = duckdb.connect()
for name, columns in layout.TABLES.items():
    connection.execute(layout.create(name, columns))
while True:
    files.write(connection, Path(sys.argv[1]), "base")
"""


def test_a_writer_killed_leaves_no_folder_that_looks_finished_and_is_not(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)])
    while len(list(tmp_path.iterdir())) < 3 and writer.poll() is None:
        time.sleep(0.001)
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    for finished in tmp_path.glob("base-*"):
        assert {file.name for file in finished.iterdir()} == {files.file_name(table) for table in layout.TABLES}
