select country, count(*) as lost from {{ ref('churn') }} group by all
