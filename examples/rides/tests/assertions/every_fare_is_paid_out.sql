-- Returns a row, and so keeps the earnings back, when they are not what the trips add up to.
select trips.payout, earned.payout as earned
from (select sum(payout) as payout from core_trips) as trips
cross join (select sum(payout) as payout from mart_earnings) as earned
where trips.payout <> earned.payout
