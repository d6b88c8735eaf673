-- fivetran/dbt_shopify. Its timestamps are in UTC as long as its variable `shopify_timezone` is not set. Amounts are in
-- the shop's currency, after discounts, with tax and shipping.

-- `processed_timestamp` is the date that Shopify's own reports use: of an imported order it is that of the sale.
CREATE VIEW bm_orders AS
SELECT o.order_id AS order_id,
       o.processed_timestamp AS ordered_at,
       o.total_price AS amount,
       o.currency AS currency,
       o._fivetran_synced AS loaded_at
FROM shopify__orders o
WHERE o.financial_status IN ('paid', 'partially_paid', 'partially_refunded', 'refunded')
  AND NOT COALESCE(o.is_test_order, FALSE)
  AND NOT COALESCE(o.is_deleted, FALSE);

-- What was paid back, when it was: not when the refund was begun, nor when the order was made. Transactions of tests are
-- not among these.
CREATE VIEW bm_refunds AS
SELECT t.transaction_id AS refund_id,
       t.processed_timestamp AS refunded_at,
       t.amount AS amount,
       t.currency AS currency,
       t._fivetran_synced AS loaded_at
FROM stg_shopify__transaction t
WHERE t.kind = 'refund' AND t.status = 'success';
