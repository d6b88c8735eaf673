{# One of its batches fails unless it was repaired. #}
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ordered_at',
          batch_size='day', begin='2024-01-01') }}
select id, ordered_at
  {% if model.batch and model.batch.id == '20240103' and not env_var('SHOP_REPAIRED', '') %}
  , error('broken') as one
  {% endif %}
from {{ ref('orders') }}
