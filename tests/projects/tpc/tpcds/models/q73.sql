-- Customers with short tickets of the first days of a month, of households with more people than cars.
select
    c_last_name,
    c_first_name,
    c_salutation,
    c_preferred_cust_flag,
    ss_ticket_number,
    cnt
from (
    select
        ss_ticket_number,
        ss_customer_sk,
        count(*) as cnt
    from store_sales
    join date_dim on store_sales.ss_sold_date_sk = date_dim.d_date_sk
    join store on store_sales.ss_store_sk = store.s_store_sk
    join household_demographics as hd on store_sales.ss_hdemo_sk = hd.hd_demo_sk
    where
        date_dim.d_dom between 1 and 2
        and (hd.hd_buy_potential = '>10000' or hd.hd_buy_potential = 'unknown')
        and hd.hd_vehicle_count > 0
        and case when hd.hd_vehicle_count > 0 then cast(hd.hd_dep_count as decimal(7, 2)) / hd.hd_vehicle_count else null end > 1
        and date_dim.d_year in (1999, 1999 + 1, 1999 + 2)
        and store.s_county in ('Williamson County', 'Franklin Parish', 'Bronx County', 'Orange County')
    group by ss_ticket_number, ss_customer_sk
) as dj, customer
where ss_customer_sk = c_customer_sk and cnt between 1 and 5
order by cnt desc, c_last_name
