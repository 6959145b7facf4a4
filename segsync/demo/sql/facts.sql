-- The exports of one store and one portal, as tables. Instants are UTC without a zone (so that no extension is needed), money is in
-- minor units. Only what the segments read is kept.

CREATE TABLE customers AS
SELECT id, email, number_of_orders, amount_spent_minor
FROM read_json(getvariable('directory') || '/customers.jsonl', format = 'newline_delimited', columns = {
    id: 'BIGINT', email: 'VARCHAR', number_of_orders: 'BIGINT', amount_spent_minor: 'BIGINT'
});

CREATE TABLE counted_orders AS
SELECT id, customer_id, processed_at
FROM read_json(getvariable('directory') || '/orders.jsonl', format = 'newline_delimited', columns = {
    id: 'BIGINT', customer_id: 'BIGINT', processed_at: 'TIMESTAMP', cancelled_at: 'TIMESTAMP', test: 'BOOLEAN', financial_status: 'VARCHAR'
})
WHERE NOT test AND cancelled_at IS NULL AND financial_status <> 'VOIDED';

CREATE TABLE lines AS
SELECT order_id, product_id, discounted_total_minor
FROM read_json(getvariable('directory') || '/lines.jsonl', format = 'newline_delimited', columns = {
    order_id: 'BIGINT', product_id: 'BIGINT', discounted_total_minor: 'BIGINT'
});

-- Levels of the product taxonomy, top first: "Apparel & Accessories > Shoes".
CREATE TABLE products AS
SELECT id, category, list_transform(string_split(category, '>'), lambda level: trim(level)) AS levels
FROM read_json(getvariable('directory') || '/products.jsonl', format = 'newline_delimited', columns = {id: 'BIGINT', category: 'VARCHAR'})
WHERE category <> '';

CREATE TABLE checkouts AS
SELECT customer_id, created_at, completed_at
FROM read_json(getvariable('directory') || '/checkouts.jsonl', format = 'newline_delimited', columns = {
    customer_id: 'BIGINT', created_at: 'TIMESTAMP', completed_at: 'TIMESTAMP'
});

CREATE TABLE contacts AS
SELECT id, properties ->> 'email' AS email, properties ->> 'hs_additional_emails' AS additional_emails
FROM read_json(getvariable('directory') || '/contacts.jsonl', format = 'newline_delimited', columns = {
    id: 'BIGINT', properties: 'JSON', archived: 'BOOLEAN'
})
WHERE NOT archived;

-- An event is known by its id and its time together. A filtered one came from a bot or a prefetch.
CREATE TABLE opens AS
SELECT DISTINCT id, created, recipient
FROM read_json(getvariable('directory') || '/email_events.jsonl', format = 'newline_delimited', columns = {
    id: 'VARCHAR', created: 'TIMESTAMP', type: 'VARCHAR', recipient: 'VARCHAR', filtered: 'BOOLEAN'
})
WHERE type = 'OPEN' AND NOT filtered;
