select nothing_of_the_kind from {{ ref('orders') }}
