select user_id, role, name, city, signed_up_on
from raw.users
{{ fault() }}
