{{ config(materialized='view') }}
select * from {{ source('app', 'fresh') }}
