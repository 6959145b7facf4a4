-- Two orders or more.
SELECT person FROM people WHERE number_of_orders >= 2;
