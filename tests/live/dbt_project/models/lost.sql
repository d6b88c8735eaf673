select count(*) as orders from {{ ref('orders') }} where status = 'lost'
