-- A message for a role is one row, addressed to the role; each account that holds the role reads it for itself.
create table role_reads (
    message_id uuid not null references messages,
    reader_id  uuid not null,
    read_at    timestamptz not null,
    primary key (message_id, reader_id)
);

-- Both languages in one text: engineers of one district read either.
insert into templates (template, version, title, body) values
('alert_raised', 1,
 '告警：{{ monitor }} · Alert: {{ monitor_en }}{% if subject %} ({{ subject }}){% endif %}',
 '{{ monitor }}：读数 {{ reading }} {{ unit }}，阈值 {{ threshold }} {{ unit }}。请到“告警”（/console/alerts）查看；读数回落后自动解除。

{{ monitor_en }}: reading {{ reading }} {{ unit_en }}, threshold {{ threshold }} {{ unit_en }}. See /console/alerts; the alert clears by itself when the reading falls.'),
('alert_cleared', 1,
 '告警解除：{{ monitor }} · Cleared: {{ monitor_en }}{% if subject %} ({{ subject }}){% endif %}',
 '{{ monitor }}：已恢复正常，持续 {{ minutes }} 分钟。历史见“告警”（/console/alerts）。

{{ monitor_en }}: back to normal after {{ minutes }} minutes. The history is at /console/alerts.');
