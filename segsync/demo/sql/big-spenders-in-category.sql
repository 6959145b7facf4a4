-- At least 300 in counted orders of the last 12 months for products in the category: its full name or any level of it, in any case.
SELECT orders.person
FROM orders_of_people AS orders
JOIN lines ON lines.order_id = orders.id
JOIN products ON products.id = lines.product_id
WHERE orders.processed_at >= getvariable('begin_12m')
    AND list_contains(
        list_transform(list_append(products.levels, products.category), lambda name: lower(name)), lower(getvariable('category'))
    )
GROUP BY orders.person
HAVING sum(lines.discounted_total_minor) >= 300 * getvariable('unit');
