-- The tables of the shop, as its programs use them, and over them the views of docs/business.md. Times are UTC.

CREATE TABLE customers (id INTEGER PRIMARY KEY, country TEXT NOT NULL, signed_up_at TEXT NOT NULL);
CREATE INDEX customers_signed_up_at ON customers (signed_up_at);

CREATE TABLE actions (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, name TEXT NOT NULL,
  happened_at TEXT NOT NULL, platform TEXT NOT NULL, utm_campaign TEXT);
CREATE INDEX actions_happened_at ON actions (happened_at);
CREATE INDEX actions_customer_name ON actions (customer_id, name);

CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, created_at TEXT NOT NULL,
  amount NUMERIC NOT NULL, currency TEXT NOT NULL, utm_campaign TEXT, status TEXT NOT NULL, shipped_at TEXT);
CREATE INDEX orders_created_at ON orders (created_at);
CREATE INDEX orders_open ON orders (shipped_at) WHERE shipped_at IS NULL;

CREATE TABLE refunds (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders, made_at TEXT NOT NULL,
  amount NUMERIC NOT NULL, currency TEXT NOT NULL);
CREATE INDEX refunds_made_at ON refunds (made_at);

CREATE TABLE mails (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, mailing TEXT NOT NULL,
  sent_at TEXT NOT NULL);
CREATE INDEX mails_sent_at ON mails (sent_at);

-- What the mail service reports, in its words.
CREATE TABLE mail_reports (
  id INTEGER PRIMARY KEY, mail_id INTEGER NOT NULL REFERENCES mails, event TEXT NOT NULL,
  reported_at TEXT NOT NULL, is_proxy INTEGER NOT NULL);
CREATE INDEX mail_reports_mail ON mail_reports (mail_id);
CREATE INDEX mail_reports_reported_at ON mail_reports (reported_at);

CREATE TABLE subscriptions (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, started_at TEXT NOT NULL,
  ends_at TEXT NOT NULL, months INTEGER NOT NULL, price NUMERIC NOT NULL, currency TEXT NOT NULL);
CREATE INDEX subscriptions_started_at ON subscriptions (started_at);

CREATE TABLE holidays (day TEXT PRIMARY KEY, name TEXT NOT NULL);

-- A row is in this database when it happened, so that is its loaded_at. Views that may get no row in a day have none.
CREATE VIEW bm_users AS
SELECT id AS user_id, signed_up_at FROM customers;

CREATE VIEW bm_events AS
SELECT customer_id AS user_id, name AS event, happened_at AS occurred_at, platform AS channel,
       utm_campaign AS campaign, happened_at AS loaded_at
FROM actions;

CREATE VIEW bm_orders AS
SELECT id AS order_id, created_at AS ordered_at, amount, currency, utm_campaign AS campaign, created_at AS loaded_at
FROM orders;

CREATE VIEW bm_refunds AS
SELECT id AS refund_id, made_at AS refunded_at, amount, currency FROM refunds;

CREATE VIEW bm_email_sends AS
SELECT id AS message_id, mailing AS campaign, sent_at FROM mails;

CREATE VIEW bm_email_events AS
SELECT mail_id AS message_id,
       CASE event WHEN 'bounce' THEN 'bounced' WHEN 'open' THEN 'opened' WHEN 'click' THEN 'clicked'
                  WHEN 'spamreport' THEN 'complained' WHEN 'unsubscribe' THEN 'unsubscribed' ELSE event END AS event,
       reported_at AS occurred_at, is_proxy AS machine, reported_at AS loaded_at
FROM mail_reports;

CREATE VIEW bm_subscriptions AS
SELECT id AS subscription_id, started_at, ends_at AS ended_at, 1.0 * price / months AS monthly_amount, currency
FROM subscriptions;

CREATE VIEW bm_calendar AS
SELECT day FROM holidays;

-- The replica has the orders, and the warehouse what is imported into it.
CREATE TABLE replica.orders AS SELECT * FROM orders;
CREATE INDEX replica.replica_created_at ON orders (created_at);

CREATE TABLE warehouse.orders (
  order_id INTEGER, ordered_at TEXT, loaded_at TEXT, country TEXT, amount NUMERIC, currency TEXT);
CREATE INDEX warehouse.warehouse_ordered_at ON orders (ordered_at);

CREATE TABLE warehouse.exchange_rates (valid_on TEXT, currency TEXT, rate NUMERIC, loaded_at TEXT);
