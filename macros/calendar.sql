{# Federal holidays of 2013, kept by nobody else: written once when a run starts and read as a source. #}
{% macro create_us_holidays() -%}
    {%- set holidays = [
        ('2013-01-01', 'New Year'),
        ('2013-01-21', 'Martin Luther King Day'),
        ('2013-02-18', 'Presidents Day'),
        ('2013-05-27', 'Memorial Day'),
        ('2013-07-04', 'Independence Day'),
        ('2013-09-02', 'Labor Day'),
        ('2013-10-14', 'Columbus Day'),
        ('2013-11-11', 'Veterans Day'),
        ('2013-11-28', 'Thanksgiving'),
        ('2013-12-25', 'Christmas'),
    ] -%}
    create table if not exists calendar.us_holidays as
    {%- for day, name in holidays %}
    select cast('{{ day }}' as date) as holiday_date, '{{ name }}' as holiday_name
    {%- if not loop.last %} union all{% endif %}
    {%- endfor %}
{%- endmacro %}
