-- The site's answer to what a volunteer pointed out about a record; its words are read on the page of the shift.
insert into templates (template, version, title, body) values
('rectification_answered', 1,
 '站点答复了您指出的记录：{{ activity }}',
 '您指出「{{ activity }}」（{{ starts_at | moment }}）的记录不对，站点核对后{% if outcome == ''corrected'' %}已经更正{% else %}没有更改{% endif %}。站点的说明在这个班次里（/me/shifts/{{ shift }}）；还不对，可以在那里再次指出。');
insert into templates (template, version, locale, title, body) values
('rectification_answered', 1, 'en',
 'Your site answered about your record: {{ activity }}',
 'You pointed out an error of your record of “{{ activity }}” ({{ starts_at | moment }}). The site checked it and {% if outcome == ''corrected'' %}put it right{% else %}left it as it is{% endif %}. Read its explanation on the page of the shift (/me/shifts/{{ shift }}); if it is still wrong, point it out there again.');
