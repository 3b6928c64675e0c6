-- Who paid more than a twentieth of the average for something of the color of saddles.
select
    c_last_name,
    c_first_name,
    s_store_name,
    sum(netpaid) as paid
from {{ ref('q24_ssales') }} as ssales
where i_color = 'saddle'
group by c_last_name, c_first_name, s_store_name
having sum(netpaid) > (select 0.05 * avg(ssales.netpaid) from {{ ref('q24_ssales') }} as ssales)
order by c_last_name, c_first_name, s_store_name
