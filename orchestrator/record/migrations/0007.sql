-- Builds that promises about freshness ask for, what waiting launches wait for, what sources were seen to hold, and pools people set.

alter table launches add column nodes text not null default '[]';
alter table launches add column keys text not null default '{}';
alter table launches add column waits text;
