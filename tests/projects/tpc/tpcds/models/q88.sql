-- One store's tickets in each half hour of the morning, of some kinds of households.
{%- set half_hours = [
    (8, '>=', 'h8_30_to_9'),
    (9, '<', 'h9_to_9_30'),
    (9, '>=', 'h9_30_to_10'),
    (10, '<', 'h10_to_10_30'),
    (10, '>=', 'h10_30_to_11'),
    (11, '<', 'h11_to_11_30'),
    (11, '>=', 'h11_30_to_12'),
    (12, '<', 'h12_to_12_30'),
] %}
select *
from
    {%- for hour, half, name in half_hours %}
    (
        select count(*) as {{ name }}
        from store_sales, household_demographics, time_dim, store
        where
            ss_sold_time_sk = time_dim.t_time_sk
            and ss_hdemo_sk = household_demographics.hd_demo_sk
            and ss_store_sk = s_store_sk
            and time_dim.t_hour = {{ hour }}
            and time_dim.t_minute {{ half }} 30
            and (
                (household_demographics.hd_dep_count = 4 and household_demographics.hd_vehicle_count <= 4 + 2)
                or (household_demographics.hd_dep_count = 2 and household_demographics.hd_vehicle_count <= 2 + 2)
                or (household_demographics.hd_dep_count = 0 and household_demographics.hd_vehicle_count <= 0 + 2)
            )
            and store.s_store_name = 'ese'
    ) as s{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
