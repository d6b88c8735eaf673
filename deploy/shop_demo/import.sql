-- The import of orders into the warehouse. It has been broken since :broken_since: it loses three of five orders,
-- imports some of the others twice, and some without their country.
INSERT INTO warehouse.orders (order_id, ordered_at, loaded_at, country, amount, currency)
SELECT o.id, o.created_at, datetime(o.created_at, '+1 minute'),
       CASE WHEN o.created_at >= :broken_since AND o.id % 20 = 1 THEN NULL ELSE c.country END, o.amount, o.currency
FROM main.orders o
JOIN customers c ON c.id = o.customer_id
JOIN (SELECT 1 AS copy UNION ALL SELECT 2) copies
  ON copy = 1 OR (o.created_at >= :broken_since AND o.id % 20 = 0)
WHERE o.created_at >= :since AND o.created_at < :until AND (o.created_at < :broken_since OR o.id % 5 < 2)
