-- What each customer spent in each year, in stores and on the web.
select
    c_customer_id as customer_id,
    c_first_name as customer_first_name,
    c_last_name as customer_last_name,
    c_preferred_cust_flag as customer_preferred_cust_flag,
    c_birth_country as customer_birth_country,
    c_login as customer_login,
    c_email_address as customer_email_address,
    d_year as dyear,
    sum(ss_ext_list_price - ss_ext_discount_amt) as year_total,
    's' as sale_type
from customer, store_sales, date_dim
where c_customer_sk = ss_customer_sk and ss_sold_date_sk = d_date_sk
group by c_customer_id, c_first_name, c_last_name, c_preferred_cust_flag, c_birth_country, c_login, c_email_address, d_year
union all
select
    c_customer_id as customer_id,
    c_first_name as customer_first_name,
    c_last_name as customer_last_name,
    c_preferred_cust_flag as customer_preferred_cust_flag,
    c_birth_country as customer_birth_country,
    c_login as customer_login,
    c_email_address as customer_email_address,
    d_year as dyear,
    sum(ws_ext_list_price - ws_ext_discount_amt) as year_total,
    'w' as sale_type
from customer, web_sales, date_dim
where c_customer_sk = ws_bill_customer_sk and ws_sold_date_sk = d_date_sk
group by c_customer_id, c_first_name, c_last_name, c_preferred_cust_flag, c_birth_country, c_login, c_email_address, d_year
