-- At least five counted orders in 365 days, the latest in 60 days, and 500 spent in all.
SELECT people.person
FROM people
JOIN orders_of_people AS orders ON orders.person = people.person
WHERE people.last_order_at >= getvariable('begin_60d')
    AND people.amount_spent_minor >= 500 * getvariable('unit')
    AND orders.processed_at >= getvariable('begin_365d')
GROUP BY people.person
HAVING count(*) >= 5;
