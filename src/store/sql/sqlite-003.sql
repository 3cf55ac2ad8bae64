-- What breakdowns are made of.
--
-- A day that is over is kept in columns, as parts (facts/facts.h); due_days names the days with raw rows or visits that
-- no pack holds. The packs answer for visits whose raw rows are gone, so closed_visits is needed no more.

-- A rowid stays beside the key: bytes are large, and what looks for one part of many days should not meet the others'.
CREATE TABLE packs (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    day INTEGER NOT NULL,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (site_id, day, part)
) STRICT;

-- For retention: parts with single visits, and with single events, go before the others of their day.
CREATE INDEX packs_of_visits ON packs (site_id, day) WHERE part >= 100 AND part < 200;
CREATE INDEX packs_of_events ON packs (site_id, day) WHERE part >= 200;

CREATE TABLE due_days (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    day INTEGER NOT NULL,
    PRIMARY KEY (site_id, day)
) STRICT, WITHOUT ROWID;

-- With which goals the conversions of a site were counted (goals_hash()); no row: with the default.
CREATE TABLE goals_counted (
    site_id TEXT NOT NULL PRIMARY KEY CHECK (site_id <> ''),
    hash INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The visit's last day, its entry and its exit. Rows from before know neither.
ALTER TABLE visits ADD COLUMN last_day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visits ADD COLUMN entry_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visits ADD COLUMN exit_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visits ADD COLUMN source TEXT;
ALTER TABLE visits ADD COLUMN channel TEXT;
ALTER TABLE visits ADD COLUMN utm_source TEXT;
ALTER TABLE visits ADD COLUMN utm_medium TEXT;
ALTER TABLE visits ADD COLUMN utm_campaign TEXT;
ALTER TABLE visits ADD COLUMN utm_content TEXT;
ALTER TABLE visits ADD COLUMN utm_term TEXT;
ALTER TABLE visits ADD COLUMN country TEXT;
ALTER TABLE visits ADD COLUMN browser TEXT;
ALTER TABLE visits ADD COLUMN os TEXT;
ALTER TABLE visits ADD COLUMN device TEXT;
ALTER TABLE visits ADD COLUMN language TEXT;
ALTER TABLE visits ADD COLUMN entry_path TEXT;
ALTER TABLE visits ADD COLUMN exit_path TEXT;
ALTER TABLE visits ADD COLUMN referrer TEXT;
ALTER TABLE visits ADD COLUMN screen TEXT;
ALTER TABLE visits ADD COLUMN entry_name TEXT;

DROP TABLE closed_visits;

ALTER TABLE analytics_settings ADD COLUMN blocked_countries TEXT CHECK (blocked_countries IS NULL
    OR length(CAST(blocked_countries AS BLOB)) <= 65536
    AND CASE WHEN json_valid(blocked_countries) THEN json_type(blocked_countries) = 'array' ELSE 0 END);
ALTER TABLE analytics_settings ADD COLUMN blocked_referrers TEXT CHECK (blocked_referrers IS NULL
    OR length(CAST(blocked_referrers AS BLOB)) <= 65536
    AND CASE WHEN json_valid(blocked_referrers) THEN json_type(blocked_referrers) = 'array' ELSE 0 END);
ALTER TABLE analytics_settings ADD COLUMN goals TEXT CHECK (goals IS NULL OR length(CAST(goals AS BLOB)) <= 65536
    AND CASE WHEN json_valid(goals) THEN json_type(goals) = 'array' ELSE 0 END);
ALTER TABLE analytics_settings ADD COLUMN path_rules TEXT CHECK (path_rules IS NULL
    OR length(CAST(path_rules AS BLOB)) <= 65536
    AND CASE WHEN json_valid(path_rules) THEN json_type(path_rules) = 'array' ELSE 0 END);

INSERT INTO due_days (site_id, day)
SELECT site_id, day FROM analytics_events UNION SELECT site_id, day FROM visits;
