-- SendGrid's event webhook, stored in PostgreSQL with a column for each property: table sendgrid_events. `timestamp` is
-- seconds since 1970; `sg_message_id` is of one mail to one recipient. `category` is taken for the campaign: one text, so
-- where mails have several, choose one when you store them. The address is not needed.

-- SendGrid sends some events more than once, with the same sg_event_id.
CREATE VIEW bm_email_sends AS
SELECT e.sg_message_id AS message_id, MIN(e.category) AS campaign, to_timestamp(MIN(e.timestamp)) AS sent_at
FROM sendgrid_events e
WHERE e.event = 'processed'
GROUP BY e.sg_message_id;

CREATE VIEW bm_email_events AS
SELECT e.sg_event_id AS event_id,
       e.sg_message_id AS message_id,
       CASE e.event WHEN 'open' THEN 'opened' WHEN 'click' THEN 'clicked' WHEN 'bounce' THEN 'bounced'
                    WHEN 'spamreport' THEN 'complained' WHEN 'delivered' THEN 'delivered'
                    ELSE 'unsubscribed' END AS event,
       to_timestamp(MIN(e.timestamp)) AS occurred_at,
       CASE WHEN bool_or(e.sg_machine_open) THEN 1 WHEN NOT bool_or(e.sg_machine_open) THEN 0 END AS machine
FROM sendgrid_events e
WHERE e.event IN ('open', 'click', 'bounce', 'spamreport', 'delivered', 'unsubscribe', 'group_unsubscribe')
GROUP BY e.sg_event_id, e.sg_message_id, e.event;
