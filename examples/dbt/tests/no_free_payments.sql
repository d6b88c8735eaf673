-- Fails: some payments are of nothing.
select payment_id from {{ ref('order_payments') }} where amount = 0
