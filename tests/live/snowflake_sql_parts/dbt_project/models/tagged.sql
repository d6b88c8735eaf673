{{ config(materialized='table', query_tag='{"dag_id": "of the model", "app": "not dbt"}') }}
select id from {{ ref('orders') }} -- and a comment
