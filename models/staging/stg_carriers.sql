select
    carrier,
    -- "Delta Air Lines Inc." → "Delta Air Lines"
    {{ without('name', [' Corporation', ' Inc.', ' Co.']) }} as carrier_name
from {{ ref('airlines') }}
