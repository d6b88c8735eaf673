select
  cast(orders.ordered_on as date) as day,
  cast(sum(payments.amount) as double) as revenue
from {{ ref('stg_payments') }} as payments
join {{ ref('stg_orders') }} as orders using (order_id)
group by all
