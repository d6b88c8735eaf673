{% snapshot kept %}
{{ config(unique_key='id', strategy='check', check_cols=['name']) }}
select * from {{ ref('regions') }}
{% endsnapshot %}
