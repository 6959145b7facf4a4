-- A checkout begun in the last 24 hours, to the instant, and not completed.
SELECT DISTINCT records.person
FROM checkouts
JOIN records ON records.platform = 'shopify' AND records.id = checkouts.customer_id
WHERE checkouts.completed_at IS NULL AND checkouts.created_at >= getvariable('hours_24');
