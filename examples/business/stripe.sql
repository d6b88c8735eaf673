-- fivetran/dbt_stripe, whose variable `stripe__convert_values` is not set: amounts are integers of the smallest unit. Where
-- it is set, take `amount` as it is. Of currencies without a smaller unit, and of those with three digits, see
-- https://docs.stripe.com/currencies. Balances are in the currency in which Stripe pays you out.

CREATE VIEW bm_orders AS
SELECT b.balance_transaction_id AS order_id,
       b.balance_transaction_created_at AS ordered_at,
       b.balance_transaction_amount / CASE
         WHEN b.balance_transaction_currency IN ('bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd',
                                                 'vuv', 'xaf', 'xof', 'xpf') THEN 1.0
         WHEN b.balance_transaction_currency IN ('bhd', 'jod', 'kwd', 'omr', 'tnd') THEN 1000.0
         ELSE 100.0 END AS amount,
       b.balance_transaction_currency AS currency
FROM stripe__balance_transactions b
WHERE b.balance_transaction_type IN ('charge', 'payment');

-- Refunds are negative in the balance.
CREATE VIEW bm_refunds AS
SELECT b.balance_transaction_id AS refund_id,
       b.balance_transaction_created_at AS refunded_at,
       -b.balance_transaction_amount / CASE
         WHEN b.balance_transaction_currency IN ('bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd',
                                                 'vuv', 'xaf', 'xof', 'xpf') THEN 1.0
         WHEN b.balance_transaction_currency IN ('bhd', 'jod', 'kwd', 'omr', 'tnd') THEN 1000.0
         ELSE 100.0 END AS amount,
       b.balance_transaction_currency AS currency
FROM stripe__balance_transactions b
WHERE b.balance_transaction_type IN ('refund', 'payment_refund');

-- A subscription may have several items. One that was never paid, or is on trial, brings nothing in. Discounts are not
-- taken off.
CREATE VIEW bm_subscriptions AS
SELECT s.subscription_id AS subscription_id,
       MIN(s.start_date_at) AS started_at,
       MAX(s.ended_at) AS ended_at,
       SUM(p.unit_amount * i.quantity
           * CASE p.recurring_interval WHEN 'day' THEN 365.0 / 12 WHEN 'week' THEN 365.0 / 84 WHEN 'year' THEN 1.0 / 12
                                       ELSE 1.0 END
           / p.recurring_interval_count
           / CASE
               WHEN p.currency IN ('bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv',
                                   'xaf', 'xof', 'xpf') THEN 1.0
               WHEN p.currency IN ('bhd', 'jod', 'kwd', 'omr', 'tnd') THEN 1000.0
               ELSE 100.0 END) AS monthly_amount,
       p.currency AS currency
FROM stg_stripe__subscription s
JOIN stg_stripe__subscription_item i ON i.subscription_id = s.subscription_id
JOIN stg_stripe__price_plan p ON p.price_plan_id = i.plan_id
WHERE s.status NOT IN ('incomplete', 'incomplete_expired', 'trialing')
GROUP BY s.subscription_id, p.currency;
