{# Plays the loaders: fills the schema raw up to now. `reviews` is never loaded, `returns` is empty. #}
{% macro load_raw() %}
  {% do run_query("create schema if not exists raw") %}
  {% do run_query("
    create or replace table raw.customers as
    select
      i as customer_id,
      'customer ' || i as name,
      ['AT', 'BR', 'IN', 'KE', 'NZ'][1 + i % 5] as country,
      now() - interval 3 day - i * interval 1 hour as loaded_at
    from range(1, 201) as t(i)
  ") %}
  {% do run_query("
    create or replace table raw.orders as
    select
      i as order_id,
      4 + i % 200 as customer_id,
      cast(now() - i * interval 20 minute as date) as ordered_on,
      now() - i * interval 20 minute as loaded_at
    from range(1, 2001) as t(i)
  ") %}
  {% do run_query("
    create or replace table raw.payments as
    select
      i as payment_id,
      1 + i % 2000 as order_id,
      case when i % 400 = 0 then 0 else 500 + (i * 37) % 9000 end as cents,
      now() - interval 8 hour - i * interval 18 minute as loaded_at
    from range(1, 2201) as t(i)
  ") %}
  {% do run_query("
    create or replace table raw.returns (order_id integer, loaded_at timestamp with time zone)
  ") %}
{% endmacro %}
