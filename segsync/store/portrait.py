"""What a shop is like, for defaults that fit it."""

from __future__ import annotations

from collections import Counter

from django.db.models import Sum

from segsync.store.models import OrderLine, Product


def top_category(shop_id: int) -> str | None:
    """The category (last level of the product taxonomy) with the largest counted sales; None without any."""
    categories = {
        external_id: category.rsplit(">", 1)[-1].strip()
        for external_id, category in Product.objects.filter(shop_id=shop_id).exclude(category="").values_list("external_id", "category")
    }
    sales: Counter[str] = Counter()
    lines = OrderLine.objects.filter(shop_id=shop_id, order__counted=True).exclude(product_id_text="")
    for product_id, total in lines.order_by().values_list("product_id_text").annotate(Sum("amount_minor")):
        if product_id in categories:
            sales[categories[product_id]] += total
    return min(sales, key=lambda name: (-sales[name], name)) if sales else None
