select
  customers.customer_id,
  customers.name,
  countries.name as country,
  count(orders.order_id) as orders,
  max(orders.ordered_on) as last_order_on
from {{ ref('stg_customers') }} as customers
left join {{ ref('countries') }} as countries on countries.code = customers.country
left join {{ ref('stg_orders') }} as orders using (customer_id)
group by all
