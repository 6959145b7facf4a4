-- One order so far, first ordered on one of the last 30 days or today.
SELECT person FROM people WHERE number_of_orders = 1 AND first_order_at >= getvariable('begin_30d');
