-- How busy a team was lately, which the ranking of teams for an order asks for.
create index activities_team on activities (team_id, starts_at);
