-- The last level of the product taxonomy that sold most in counted orders, guests' orders included; ties go to the first in the alphabet.
SELECT products.levels[-1] AS category
FROM lines
JOIN counted_orders ON counted_orders.id = lines.order_id
JOIN products ON products.id = lines.product_id
GROUP BY ALL
ORDER BY sum(lines.discounted_total_minor) DESC, category
LIMIT 1;
