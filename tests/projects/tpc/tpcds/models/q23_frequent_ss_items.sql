-- Items that a store sold more than four times on one day.
select
    substr(i_item_desc, 1, 30) as itemdesc,
    i_item_sk as item_sk,
    d_date as solddate,
    count(*) as cnt
from store_sales
join date_dim on ss_sold_date_sk = d_date_sk
join item on ss_item_sk = i_item_sk
where d_year in (2000, 2000 + 1, 2000 + 2, 2000 + 3)
group by substr(i_item_desc, 1, 30), i_item_sk, d_date
having count(*) > 4
