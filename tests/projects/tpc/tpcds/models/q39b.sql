-- Those of January that vary even more, next to February.
select
    inv1.w_warehouse_sk as w_warehouse_sk1,
    inv1.i_item_sk as i_item_sk1,
    inv1.d_moy as d_moy1,
    inv1.mean as mean1,
    inv1.cov as cov1,
    inv2.w_warehouse_sk as w_warehouse_sk2,
    inv2.i_item_sk as i_item_sk2,
    inv2.d_moy as d_moy2,
    inv2.mean as mean2,
    inv2.cov as cov2
from {{ ref('q39_inv') }} as inv1
join {{ ref('q39_inv') }} as inv2
    on inv1.i_item_sk = inv2.i_item_sk
    and inv1.w_warehouse_sk = inv2.w_warehouse_sk
where
    inv1.d_moy = 1
    and inv2.d_moy = 1 + 1
    and inv1.cov > 1.5
order by inv1.w_warehouse_sk, inv1.i_item_sk, inv1.d_moy, inv1.mean, inv1.cov, inv2.d_moy, inv2.mean, inv2.cov
