select id, name, '/* {"app": "dbt", "node_id": "model.shop.of_the_text"} */' as quoted
from {{ ref('regions') }}
