select payment_id, order_id, cents / 100 as amount from {{ source('raw', 'payments') }}
