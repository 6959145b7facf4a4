-- At least three e-mails opened in 30 days, at whichever of the person's addresses, and no order by the store's own count.
SELECT nodes.person
FROM opens
JOIN nodes ON nodes.node = 'address:' || address(opens.recipient)
WHERE opens.created >= getvariable('begin_30d')
    AND nodes.person NOT IN (SELECT person FROM people WHERE number_of_orders > 0)
GROUP BY nodes.person
HAVING count(*) >= 3;
