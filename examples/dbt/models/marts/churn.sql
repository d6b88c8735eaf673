-- Fails when it is run: the name of a country is no number.
select customer_id, cast(country as integer) as country, current_date - last_order_on as days
from {{ ref('customers') }}
where last_order_on < current_date
