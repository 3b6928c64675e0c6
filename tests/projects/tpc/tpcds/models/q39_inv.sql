-- Items whose stock varies a lot within a month, by warehouse.
select
    w_warehouse_name,
    w_warehouse_sk,
    i_item_sk,
    d_moy,
    stdev,
    mean,
    case mean when 0 then null else stdev / mean end as cov
from (
    select
        w_warehouse_name,
        w_warehouse_sk,
        i_item_sk,
        d_moy,
        stddev_samp(inv_quantity_on_hand) as stdev,
        avg(inv_quantity_on_hand) as mean
    from inventory, item, warehouse, date_dim
    where
        inv_item_sk = i_item_sk
        and inv_warehouse_sk = w_warehouse_sk
        and inv_date_sk = d_date_sk
        and d_year = 2001
    group by w_warehouse_name, w_warehouse_sk, i_item_sk, d_moy
) as foo
where case mean when 0 then 0 else stdev / mean end > 1
