-- A person is everything that hangs together by shared e-mail addresses: customers of the store and contacts of the portal.

CREATE MACRO address(written) AS lower(regexp_replace(written, '^\s+|\s+$', '', 'g'));

CREATE TABLE addresses AS
SELECT DISTINCT platform, id, address(written) AS address
FROM (
    SELECT 'shopify' AS platform, id, email AS written FROM customers
    UNION ALL
    SELECT 'hubspot', id, email FROM contacts
    UNION ALL
    SELECT 'hubspot', id, unnest(string_split(additional_emails, ';')) FROM contacts
)
WHERE contains(written, '@');

-- Records and addresses are the nodes; the person's name is the smallest node that can be reached.
CREATE TABLE nodes AS
WITH RECURSIVE
pairs AS (SELECT platform || ':' || id AS record, 'address:' || address AS address FROM addresses),
edges(node, other) AS (
    SELECT record, address FROM pairs
    UNION ALL
    SELECT address, record FROM pairs
    UNION ALL
    SELECT 'shopify:' || id, 'shopify:' || id FROM customers
    UNION ALL
    SELECT 'hubspot:' || id, 'hubspot:' || id FROM contacts
),
reached(node, person) USING KEY (node) AS (
    SELECT DISTINCT node, node FROM edges
    UNION
    SELECT edges.other, min(reached.person)
    FROM reached
    JOIN edges ON edges.node = reached.node
    JOIN recurring.reached AS known ON known.node = edges.other
    WHERE reached.person < known.person
    GROUP BY edges.other
)
SELECT node, person FROM reached;

CREATE TABLE records AS
SELECT nodes.person, 'shopify' AS platform, customers.id FROM customers JOIN nodes ON nodes.node = 'shopify:' || customers.id
UNION ALL
SELECT nodes.person, 'hubspot', contacts.id FROM contacts JOIN nodes ON nodes.node = 'hubspot:' || contacts.id;

CREATE VIEW orders_of_people AS
SELECT records.person, orders.id, orders.processed_at
FROM counted_orders AS orders
JOIN records ON records.platform = 'shopify' AND records.id = orders.customer_id;

-- One row per person. The totals are Shopify's own lifetime totals; the dates are those of counted orders.
CREATE TABLE people AS
SELECT
    records.person,
    coalesce(sum(customers.number_of_orders), 0) AS number_of_orders,
    coalesce(sum(customers.amount_spent_minor), 0) AS amount_spent_minor,
    any_value(dates.first_order_at) AS first_order_at,
    any_value(dates.last_order_at) AS last_order_at
FROM records
LEFT JOIN customers ON records.platform = 'shopify' AND customers.id = records.id
LEFT JOIN (
    SELECT person, min(processed_at) AS first_order_at, max(processed_at) AS last_order_at FROM orders_of_people GROUP BY person
) AS dates ON dates.person = records.person
GROUP BY records.person;
