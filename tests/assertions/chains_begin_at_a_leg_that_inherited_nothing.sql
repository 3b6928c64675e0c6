select chains.flight_key, roots.flight_key as root, roots.inherited_minutes
from int_delay_chains as chains
left join int_delay_chains as roots on chains.root_flight_key = roots.flight_key
where roots.flight_key is null
    or roots.chain_length <> 0
    or roots.leg_number <> chains.leg_number - chains.chain_length
