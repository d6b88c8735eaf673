{# Tables whose newest row is as old as their names say. #}
{% macro make_sources() %}
  {% set ages = {"fresh": "1 minute", "late": "3 hours", "stale": "3 days"} %}
  {% set statements = ["create schema if not exists app"] %}
  {% for name, age in ages.items() %}
    {% do statements.append("create or replace table app." ~ name ~
                            " as select now() - interval '" ~ age ~ "' as loaded_at") %}
  {% endfor %}
  {% do statements.append("create or replace table app.empty (loaded_at timestamptz)") %}
  {% for statement in statements %}{% do run_query(statement) %}{% endfor %}
{% endmacro %}
