select id from {{ ref('orders') }} where id > 2 /* {"a": "comment of the test"} */
