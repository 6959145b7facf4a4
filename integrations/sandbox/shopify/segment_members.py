"""Who is in a native segment (shopify.dev, customerSegmentMembers): the filters that the sandbox's facts can answer.

Test orders and cancelled ones do not count; a date is a whole day in the time zone asked for (UTC by default). E-mail,
storefront, distance and credit filters see no events here, so nobody matches them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from graphql import GraphQLError

from integrations.sandbox.shopify.access import Access, number_of
from integrations.sandbox.shopify.connections import Connection, page
from integrations.sandbox.shopify.segment_query import Condition, Group, Matches, Node, QueryError, Value, read
from integrations.sandbox.shopify.state import Address, Customer, LineItem, Order

PAGE_LIMIT = 1_000
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNITS = {"d": 1, "w": 7}
_NAMED_DAYS = {"today": 0, "yesterday": 1, "7_days_ago": 7, "30_days_ago": 30, "90_days_ago": 90}


def members_page(access: Access, **args: Any) -> dict[str, Any]:
    """One page of members of `segmentId` or `query`, with totalCount; raises GraphQLError for a query not in the language."""
    query = args.pop("query", None)
    if args.get("segmentId"):
        segment = access.store.segments.get(number_of(args["segmentId"], "Segment"))
        if segment is None:
            raise GraphQLError("Segment does not exist", extensions={"code": "NOT_FOUND"})
        query = segment.query
    try:
        zone = ZoneInfo(args.get("timezone") or "UTC")
        found = members(access, query or "", zone)
    except (QueryError, ZoneInfoNotFoundError) as error:
        raise GraphQLError(str(error), extensions={"code": "INVALID"}) from error
    args["sortKey"] = "ID"
    listed, _ = page(Connection(lambda *_: found, {}, {"ID": operator.attrgetter("id")}, PAGE_LIMIT), access, None, args)
    return {key: value for key, value in listed.items() if key != "nodes"} | {"totalCount": len(found)}


def members(access: Access, query: str, zone: ZoneInfo) -> list[Customer]:
    """The customers that match; raises QueryError."""
    judge = _Judge(access, zone)
    tree = read(query)
    return [c for c in access.store.customers.values() if judge.holds(tree, c)]


@dataclass(slots=True)
class _Judge:
    access: Access
    zone: ZoneInfo

    def holds(self, node: Node, customer: Customer) -> bool:
        if isinstance(node, Group):
            if node.how == "NOT":
                return not self.holds(node.parts[0], customer)
            results = (self.holds(part, customer) for part in node.parts)
            return all(results) if node.how == "AND" else any(results)
        if isinstance(node, Matches):
            return self._matches(node, customer) == node.wanted
        return self._tested(node, self._attribute(node.name, customer))

    def _orders(self, customer: Customer) -> list[Order]:
        orders = (self.access.store.orders[i] for i in customer.order_ids)
        return [o for o in orders if not o.test and o.cancelled_at is None]

    def _attribute(self, name: str, customer: Customer) -> Any:
        store = self.access.store
        if name in ("first_order_date", "last_order_date"):
            times = [o.created_at for o in self._orders(customer)]
            return (min if name == "first_order_date" else max)(times, default=None)
        if name == "abandoned_checkout_date":
            times = [c.created_at for c in store.checkouts.values() if c.customer_id == customer.id and c.completed_at is None]
            return max(times, default=None)
        simple: dict[str, Callable[[], Any]] = {
            "amount_spent": lambda: store.lifetime(customer)[1] / 10**self.access.digits,
            "number_of_orders": lambda: store.lifetime(customer)[0],
            "customer_added_date": lambda: customer.created_at,
            "customer_tags": lambda: customer.tags or None,
            "companies": lambda: [str(id_) for id_ in customer.company_ids] or None,
            "customer_countries": lambda: [a.country for a in customer.every_address if a.country] or None,
            "customer_regions": lambda: [f"{a.country}-{a.province}" for a in customer.every_address if a.province] or None,
            "customer_cities": lambda: [_city(a) for a in customer.every_address if a.city] or None,
            "customer_email_domain": lambda: (customer.email or "").strip().rpartition("@")[2] or None,
            "customer_language": lambda: customer.locale,
            "customer_account_status": lambda: customer.state,
            "email_subscription_status": lambda: customer.email_marketing_state,
            "product_subscription_status": lambda: "NEVER_SUBSCRIBED",
        }
        return simple[name]() if name in simple else None

    def _tested(self, condition: Condition, value: Any) -> bool:
        how = condition.operator
        if how in ("IS NULL", "IS NOT NULL"):
            return (value is None) == (how == "IS NULL")
        if how.endswith("CONTAINS"):
            wanted = condition.values[0].text
            held = set(value or ())
            if condition.name == "customer_tags":
                wanted, held = wanted.casefold(), {tag.casefold() for tag in held}
            return (wanted in held) != how.startswith("NOT")
        if how.endswith("IN"):
            return (str(value) in {v.text for v in condition.values}) != how.startswith("NOT")
        if value is None:
            return how == "!="
        if how == "BETWEEN":
            low, high = condition.values
            return self._compared(value, ">=", low) and self._compared(value, "<=", high)
        return self._compared(value, how, condition.values[0])

    def _compared(self, value: Any, how: str, given: Value) -> bool:
        compare = _COMPARE[how]
        if isinstance(value, datetime):
            if "T" in given.text:
                return compare(value, datetime.fromisoformat(given.text).replace(tzinfo=self.zone))
            return compare(value.astimezone(self.zone).date(), self._day(given))
        if isinstance(value, (int, float)):
            try:
                return compare(value, float(given.text))
            except ValueError as error:
                raise QueryError(f"'{given.text}' is not a number.") from error
        return compare(str(value), given.text)

    def _day(self, given: Value) -> date:
        today = self.access.now.astimezone(self.zone).date()
        if given.text in _NAMED_DAYS:
            return today - timedelta(days=_NAMED_DAYS[given.text])
        if given.text == "12_months_ago":
            return _months(today, -12)
        if given.kind == "offset":
            amount, unit = int(given.text[:-1]), given.text[-1]
            return today + timedelta(days=amount * _UNITS[unit]) if unit in _UNITS else _months(today, amount * (12 if unit == "y" else 1))
        try:
            return date.fromisoformat(given.text)
        except ValueError as error:
            raise QueryError(f"'{given.text}' is not a date.") from error

    def _matches(self, node: Matches, customer: Customer) -> bool:
        by_name = {condition.name: condition for condition in node.conditions}
        totals = [c for name in ("count", "sum_quantity", "sum_amount") if (c := by_name.pop(name, None))]
        if node.function == "orders_placed":
            orders = [o for o in self._orders(customer) if all(self._order_fits(c, o) for c in by_name.values())]
            sums: dict[str, float] = {"count": len(orders), "sum_amount": sum(o.current_total_minor for o in orders) / 10**self.access.digits}
        elif node.function == "products_purchased":
            bought = [(o, line) for o in self._orders(customer) for line in o.lines]
            kept = [line for o, line in bought if all(self._line_fits(c, o, line) for c in by_name.values())]
            sums = {"count": len(kept), "sum_quantity": sum(line.quantity for line in kept)}
        else:
            return False
        if not totals:
            return sums["count"] > 0
        return all(self._tested(condition, sums.get(condition.name, 0)) for condition in totals)

    def _order_fits(self, condition: Condition, order: Order) -> bool:
        if condition.name == "date":
            return self._tested(condition, order.created_at)
        if condition.name in ("location_id", "app_id"):
            return self._tested(condition, getattr(order, condition.name) or 0)
        return condition.name == "amount" and self._tested(condition, order.current_total_minor / 10**self.access.digits)

    def _line_fits(self, condition: Condition, order: Order, line: LineItem) -> bool:
        product = self.access.store.products.get(line.product_id) if line.product_id is not None else None
        if condition.name == "date":
            return self._tested(condition, order.created_at)
        if condition.name == "quantity":
            return self._tested(condition, line.quantity)
        if condition.name == "id":
            return self._tested(condition, line.product_id or 0)
        if condition.name == "tag":
            return product is not None and condition.values[0].text.casefold() in {tag.casefold() for tag in product.tags}
        return bool(condition.name == "category" and product is not None and self._tested(condition, product.category))


def _city(address: Address) -> str:
    """Country, region where there is one, and the city without spaces."""
    parts = (address.country, address.province, address.city.replace(" ", ""))
    return "-".join(part for part in parts if part)


def _months(day: date, months: int) -> date:
    """`day` moved by whole months, to the month's last day when it has fewer."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
