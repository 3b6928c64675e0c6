-- Sign-ups a day. It reads no trips, so nothing that is wrong with them stops it.
select signed_up_on as day, role, count(*) as signups
from stg_users
group by signed_up_on, role
{{ fault() }}
