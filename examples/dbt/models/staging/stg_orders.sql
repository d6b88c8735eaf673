select order_id, customer_id, ordered_on from {{ source('raw', 'orders') }}
