-- What customers are like who buy in stores and besides on the web or by catalog, with figures of their dependents.
with buyers as (
    select
        ca_state,
        cd_gender,
        cd_marital_status,
        cd_dep_count,
        cd_dep_employed_count,
        cd_dep_college_count
    from customer as c
    join customer_address as ca on c.c_current_addr_sk = ca.ca_address_sk
    join customer_demographics on cd_demo_sk = c.c_current_cdemo_sk
    where
        exists (
            select *
            from store_sales, date_dim
            where
                c.c_customer_sk = ss_customer_sk
                and ss_sold_date_sk = d_date_sk
                and d_year = 2002
                and d_qoy < 4
        )
        and exists (
            select *
            from remote_customers as remote
            where remote.customer_sk = c.c_customer_sk and remote.d_year = 2002 and remote.d_qoy < 4
        )
)

select
    ca_state,
    cd_gender,
    cd_marital_status,
    cd_dep_count,
    count(*) as cnt1,
    min(cd_dep_count) as min_dep_count,
    max(cd_dep_count) as max_dep_count,
    avg(cd_dep_count) as avg_dep_count,
    cd_dep_employed_count,
    count(*) as cnt2,
    min(cd_dep_employed_count) as min_dep_employed_count,
    max(cd_dep_employed_count) as max_dep_employed_count,
    avg(cd_dep_employed_count) as avg_dep_employed_count,
    cd_dep_college_count,
    count(*) as cnt3,
    min(cd_dep_college_count) as min_dep_college_count,
    max(cd_dep_college_count) as max_dep_college_count,
    avg(cd_dep_college_count) as avg_dep_college_count
from buyers
group by ca_state, cd_gender, cd_marital_status, cd_dep_count, cd_dep_employed_count, cd_dep_college_count
order by ca_state, cd_gender, cd_marital_status, cd_dep_count, cd_dep_employed_count, cd_dep_college_count
limit 100
