{{ config(materialized='incremental', unique_key='id',
          pre_hook='/* {"purpose": "a comment of the user in front"} */ select 1',
          post_hook="select '/* {\"app\": \"dbt\", \"node_id\": \"model.shop.of_the_hook\"} */'") }}
select id, name from {{ ref('orders') }}
