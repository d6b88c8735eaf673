-- Velir/dbt-ga4: stg_ga4__events, stg_ga4__event_purchase and stg_ga4__event_refund, copied from BigQuery to PostgreSQL.
-- `event_timestamp` is in microseconds. Rows of a day change for three days: set `late: 4d` in the configuration.

CREATE VIEW bm_users AS
SELECT COALESCE(e.user_id, e.client_key) AS user_id, to_timestamp(MIN(e.event_timestamp) / 1000000.0) AS signed_up_at
FROM stg_ga4__events e
WHERE e.event_name = 'sign_up'
GROUP BY COALESCE(e.user_id, e.client_key);

CREATE VIEW bm_events AS
SELECT e.event_key AS event_id,
       COALESCE(e.user_id, e.client_key) AS user_id,
       e.event_name AS event,
       to_timestamp(e.event_timestamp / 1000000.0) AS occurred_at,
       e.event_medium AS channel,
       e.event_campaign AS campaign
FROM stg_ga4__events e;

-- A page of thanks that is loaded again sends the purchase again: the first one counts.
CREATE VIEW bm_orders AS
SELECT p.transaction_id AS order_id,
       to_timestamp(MIN(p.event_timestamp) / 1000000.0) AS ordered_at,
       MAX(p.purchase_revenue) AS amount,
       MAX(p.currency) AS currency,
       MIN(p.event_campaign) AS campaign
FROM stg_ga4__event_purchase p
WHERE p.transaction_id IS NOT NULL
GROUP BY p.transaction_id;

CREATE VIEW bm_refunds AS
SELECT r.event_key AS refund_id,
       to_timestamp(r.event_timestamp / 1000000.0) AS refunded_at,
       r.refund_value AS amount,
       r.currency AS currency
FROM stg_ga4__event_refund r
WHERE r.refund_value > 0;
