{{ config(severity='warn') }}
select * from {{ ref('orders') }} where status = 'lost'
