-- Segment's warehouse schema. `timestamp` is when it happened, corrected for the clock of the device; `received_at` is
-- when Segment had it. Event names are in snake case there.

CREATE VIEW bm_users AS
SELECT COALESCE(t.user_id, t.anonymous_id) AS user_id, MIN(t.timestamp) AS signed_up_at, MIN(t.received_at) AS loaded_at
FROM tracks t
WHERE t.event = 'signed_up'
GROUP BY COALESCE(t.user_id, t.anonymous_id);

-- A user is anonymous until the first identify: a funnel that begins before it loses who started.
CREATE VIEW bm_events AS
SELECT t.id AS event_id,
       COALESCE(t.user_id, t.anonymous_id) AS user_id,
       t.event AS event,
       t.timestamp AS occurred_at,
       t.received_at AS loaded_at,
       t.context_campaign_medium AS channel,
       t.context_campaign_name AS campaign
FROM tracks t;

-- The table of the event Order Completed. A client that sends it twice has made one order.
CREATE VIEW bm_orders AS
SELECT o.order_id AS order_id,
       MIN(o.timestamp) AS ordered_at,
       MAX(o.revenue) AS amount,
       MAX(o.currency) AS currency,
       MAX(o.context_campaign_name) AS campaign,
       MIN(o.received_at) AS loaded_at
FROM order_completed o
GROUP BY o.order_id;
