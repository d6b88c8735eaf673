{# Fails unless it was repaired. #}
select {{ "1" if env_var('SHOP_REPAIRED', '') else "error('broken')" }} as one
from {{ ref('constants') }}
