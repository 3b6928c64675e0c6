-- Who paid more than a twentieth of the average for something peach.
select
    c_last_name,
    c_first_name,
    s_store_name,
    sum(netpaid) as paid
from q24_ssales
where i_color = 'peach'
group by c_last_name, c_first_name, s_store_name
having sum(netpaid) > (select 0.05 * avg(netpaid) from q24_ssales)
order by c_last_name, c_first_name, s_store_name
