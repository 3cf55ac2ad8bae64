-- What a site stores of an event: the cut address where it wants it, and nothing of the fields that it has switched
-- off (disabled_fields, as disabled_events is a list of names).

ALTER TABLE analytics_settings ADD COLUMN store_ip_prefix INTEGER NOT NULL DEFAULT 0
    CHECK (store_ip_prefix IN (0, 1));
ALTER TABLE analytics_settings ADD COLUMN disabled_fields TEXT CHECK (disabled_fields IS NULL
    OR length(CAST(disabled_fields AS BLOB)) <= 65536
    AND CASE WHEN json_valid(disabled_fields) THEN json_type(disabled_fields) = 'array' ELSE 0 END);

-- "192.0.2.0/24", "2001:db8:1::/48"; only of events with a visitor.
ALTER TABLE analytics_events ADD COLUMN ip_prefix TEXT CHECK (ip_prefix IS NULL OR visitor IS NOT NULL
    AND length(ip_prefix) BETWEEN 4 AND 19 AND ip_prefix GLOB '*[0-9:]/[0-9]*'
    AND ip_prefix NOT GLOB '*[^0-9a-f.:/]*' AND ip_prefix NOT GLOB '*/*/*');
