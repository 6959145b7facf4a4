-- Last ordered on a day more than 180 days ago.
SELECT person FROM people WHERE last_order_at < getvariable('begin_180d');
