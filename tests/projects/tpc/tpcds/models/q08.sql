-- Profit of stores that are near places, of a given list, with more than ten preferred customers.
with zips as (
    select substr(ca_zip, 1, 5) as ca_zip
    from customer_address
    where substr(ca_zip, 1, 5) in ({{ "'" ~ var('q08_zips').split() | join("', '") ~ "'" }})
    intersect
    select ca_zip
    from (
        select
            substr(ca_zip, 1, 5) as ca_zip,
            count(*) as cnt
        from customer_address
        join customer on ca_address_sk = c_current_addr_sk
        where c_preferred_cust_flag = 'Y'
        group by substr(ca_zip, 1, 5)
        having count(*) > 10
    ) as preferred
)

select
    s_store_name,
    sum(ss_net_profit) as net_profit
from store_sales
join date_dim on ss_sold_date_sk = d_date_sk
join store on ss_store_sk = s_store_sk
join zips on substr(s_zip, 1, 2) = substr(zips.ca_zip, 1, 2)
where d_qoy = 2 and d_year = 1998
group by s_store_name
order by s_store_name
limit 100
