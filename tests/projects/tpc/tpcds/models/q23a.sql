-- What the best customers spent by catalog and on the web, in a month, on what stores sell often.
select sum(sales) as sum_sales
from (
    select cs_quantity * cs_list_price as sales
    from catalog_sales, date_dim
    where
        d_year = 2000
        and d_moy = 2
        and cs_sold_date_sk = d_date_sk
        and cs_item_sk in (select item_sk from q23_frequent_ss_items)
        and cs_bill_customer_sk in (select c_customer_sk from q23_best_ss_customer)
    union all
    select ws_quantity * ws_list_price as sales
    from web_sales, date_dim
    where
        d_year = 2000
        and d_moy = 2
        and ws_sold_date_sk = d_date_sk
        and ws_item_sk in (select item_sk from q23_frequent_ss_items)
        and ws_bill_customer_sk in (select c_customer_sk from q23_best_ss_customer)
) as y
limit 100
