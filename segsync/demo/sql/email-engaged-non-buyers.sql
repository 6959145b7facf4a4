-- At least three e-mails opened in 30 days, at whichever of the person's addresses, and no counted order ever.
SELECT nodes.person
FROM opens
JOIN nodes ON nodes.node = 'address:' || address(opens.recipient)
WHERE opens.created >= getvariable('begin_30d')
    AND nodes.person NOT IN (SELECT person FROM orders_of_people)
GROUP BY nodes.person
HAVING count(*) >= 3;
