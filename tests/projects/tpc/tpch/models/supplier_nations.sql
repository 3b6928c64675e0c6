{{ config(materialized='ephemeral') }}
select
    supplier.s_suppkey,
    nation.n_name as supplier_nation,
    region.r_name as supplier_region
from {{ source('tpch', 'supplier') }} as supplier
join {{ source('tpch', 'nation') }} as nation on nation.n_nationkey = supplier.s_nationkey
join {{ source('tpch', 'region') }} as region on region.r_regionkey = nation.n_regionkey
