{{ config(materialized='incremental', unique_key='payment_id') }}
select
  payments.payment_id,
  payments.order_id,
  orders.customer_id,
  orders.ordered_on,
  payments.amount
from {{ ref('stg_payments') }} as payments
join {{ ref('stg_orders') }} as orders using (order_id)
{% if is_incremental() %}
where orders.ordered_on >= (select max(ordered_on) from {{ this }})
{% endif %}
