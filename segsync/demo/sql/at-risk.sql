-- Three orders or more, the latest on a day from 180 to 91 days ago.
SELECT person
FROM people
WHERE number_of_orders >= 3 AND last_order_at >= getvariable('begin_180d') AND last_order_at < getvariable('end_91d');
