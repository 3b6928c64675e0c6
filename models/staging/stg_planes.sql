select
    tailnum,
    year as built_year,
    type as aircraft_type,
    manufacturer,
    model as aircraft_model,
    engines,
    seats,
    engine as engine_type
from {{ ref('planes') }}
