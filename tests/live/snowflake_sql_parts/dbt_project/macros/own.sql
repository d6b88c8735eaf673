{# The comment that dbt's documentation shows ("query-comment"), and a text with what begins a comment. #}
{% macro own_comment(node) %}
  {%- set comment = {'app': 'dbt', 'dbt_version': dbt_version, 'target_name': target.get('target_name'),
                     'call': 'dbt build -s path:models/* {"a": 1}'} -%}
  {%- if node is not none -%}
    {%- do comment.update(file=node.original_file_path, node_id=node.unique_id,
                          relation={'database': node.database, 'schema': node.schema}) -%}
  {%- else -%}
    {%- do comment.update(node_id='internal') -%}
  {%- endif -%}
  {% do return(tojson(comment)) %}
{% endmacro %}

{# As packages do that write the node into the tag. #}
{% macro set_query_tag() %}
  {% if not var('tags_nodes') %}
    {{ return(snowflake__set_query_tag()) }}
  {% endif %}
  {% set before = get_current_query_tag() %}
  {% set tag = tojson({'app': 'dbt', 'node_id': model.unique_id, 'target_name': target.name}) %}
  {% do run_query("alter session set query_tag = '" ~ tag ~ "'") %}
  {{ return(before) }}
{% endmacro %}

{% macro unset_query_tag(before) %}
  {% if not var('tags_nodes') %}
    {{ return(snowflake__unset_query_tag(before)) }}
  {% endif %}
  {% do run_query("alter session set query_tag = '" ~ before ~ "'") %}
{% endmacro %}
