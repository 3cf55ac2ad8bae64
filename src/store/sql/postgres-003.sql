-- What a site stores of an event: the cut address where it wants it, and nothing of the fields that it has switched
-- off; and fragments that are routes.
--
-- A program that knows only the schemas before would count other numbers than one that knows this: the rows that it
-- writes have no address, and to its goals a path ends where its fragment begins, so that the same event would meet
-- one goal or another, or keep its address or lose it, by who holds the lease. So none counts from here on: it loses
-- its leases and gets no others. It goes on tracking, with the settings that it knows, and its readers read what they
-- know. It does not start again beside this schema, since it would store fields that a site has switched off meanwhile.

INSERT INTO migrations (number, works_from) VALUES (3, 3);

-- A transaction of the job that waits here finds another epoch when it goes on.
LOCK TABLE leases IN EXCLUSIVE MODE;
UPDATE leases SET holder = NULL, epoch = epoch + 1, until = '-infinity';

-- disabled_fields names what is left out of every event, as disabled_events names events.
ALTER TABLE analytics_settings
    ADD COLUMN store_ip_prefix boolean NOT NULL DEFAULT false,
    ADD COLUMN disabled_fields jsonb CHECK (analytics.is_list(disabled_fields));

-- "192.0.2.0/24", "2001:db8:1::/48"; only of events with a visitor. No row that is there is read or written: NOT VALID
-- says that the constraint holds for those to come, and the others have no value.
ALTER TABLE analytics_events ADD COLUMN ip_prefix text COLLATE "C";
ALTER TABLE analytics_events ADD CONSTRAINT analytics_events_ip_prefix_check CHECK (ip_prefix IS NULL
    OR visitor IS NOT NULL AND octet_length(ip_prefix) BETWEEN 4 AND 19 AND ip_prefix ~ '^[0-9a-f.:]+/[0-9]{1,2}$')
    NOT VALID;

-- Salts ------------------------------------------------------------------------------------------------------

-- ANALYZE, and autovacuum by itself after some days, keeps values of every column in pg_statistic, which is logged:
-- there a salt would outlive its table's files. It passes over a column of which no statistics are wanted, also where
-- somebody analyzes the table by hand. A column that gets its type, be it the one that it has, loses what was kept of
-- it; the row that this leaves in pg_statistic goes with the next VACUUM there.
ALTER TABLE salts SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE salts ALTER COLUMN key TYPE bytea;
ALTER TABLE salts ALTER COLUMN key SET STATISTICS 0;
