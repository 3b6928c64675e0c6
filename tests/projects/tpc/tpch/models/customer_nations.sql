{{ config(materialized='ephemeral') }}
select
    customer.c_custkey,
    nation.n_name as customer_nation,
    region.r_name as customer_region
from customer
join nation on nation.n_nationkey = customer.c_nationkey
join region on region.r_regionkey = nation.n_regionkey
