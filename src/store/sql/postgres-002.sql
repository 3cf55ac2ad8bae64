-- What breakdowns are made from: visits with their entry and exit, days packed in columns, goals.
--
-- A site's day that has raw rows or visits is due or packed. Whoever writes rows of a day puts it into due_days in the
-- same transaction; packing takes it out in the one that writes its parts. A program that knows only the first schema
-- would write rows and leave their day as it is, so none counts from here on: it loses its leases and gets no others.
-- It goes on tracking, and its readers read what they know.
--
-- The long part comes first, and the locks that others wait for come last, in the order in which a copy takes them.

INSERT INTO migrations (number, works_from) VALUES (2, 2);

-- Who counts -------------------------------------------------------------------------------------------------

-- A transaction of the job that waits here finds another epoch when it goes on.
LOCK TABLE leases IN EXCLUSIVE MODE;
UPDATE leases SET holder = NULL, epoch = epoch + 1, until = '-infinity';

-- As before, for programs that the schema suits: `known` is the last of these files that the caller knows. A file that
-- no earlier program may count beside takes the leases away like this one.
DROP FUNCTION take_leases(integer, integer, text, integer);
CREATE FUNCTION take_leases(known integer, wanted integer, at_least integer, taker text, ms integer)
    RETURNS TABLE (partition integer, epoch bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    free integer[] := ARRAY(
        SELECT l.partition FROM analytics.leases l
        WHERE (wanted >> l.partition) & 1 = 1 AND (l.holder IS NULL OR NOT analytics.is_current(l.until, ms))
        ORDER BY l.partition FOR UPDATE SKIP LOCKED);
BEGIN
    IF known < (SELECT max(m.works_from) FROM analytics.migrations m) THEN
        RAISE EXCEPTION 'the database has a newer schema: use a newer program' USING ERRCODE = 'AB003';
    END IF;
    IF cardinality(free) >= at_least THEN
        RETURN QUERY UPDATE analytics.leases l
            SET holder = taker, epoch = l.epoch + 1, until = clock_timestamp() + ms * interval '1 millisecond'
            WHERE l.partition = ANY (free) RETURNING l.partition, l.epoch;
    END IF;
END
$$;

-- Days -------------------------------------------------------------------------------------------------------

-- Parts by number: those below 100 hold no single visit and are kept as long as stats, those below 200 no single event
-- and are kept as long as visits, the others as long as raw rows.
CREATE TABLE packs (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    day integer NOT NULL,
    part integer NOT NULL CHECK (part >= 0),
    bytes bytea NOT NULL,
    PRIMARY KEY (site_id, day, part)
);
-- They are compressed where that is worth while.
ALTER TABLE packs ALTER COLUMN bytes SET STORAGE EXTERNAL;
-- Retention finds what is too old without a look at what stays.
CREATE INDEX packs_of_visits ON packs (site_id, day) WHERE part >= 100 AND part < 200;
CREATE INDEX packs_of_events ON packs (site_id, day) WHERE part >= 200;

-- The days with raw rows or visits that their packs, if there are any, do not hold.
CREATE TABLE due_days (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    day integer NOT NULL,
    PRIMARY KEY (site_id, day)
);
INSERT INTO due_days (site_id, day)
    SELECT site_id, day - date '1970-01-01' FROM analytics_events UNION SELECT site_id, day FROM visits;

-- With which goals a site's conversions were counted.
CREATE TABLE goals_counted (
    site_id text COLLATE "C" PRIMARY KEY CHECK (site_id <> ''),
    hash bigint NOT NULL
);

-- Who may read the other numbers may read these.
DO $$
DECLARE
    reader oid;
BEGIN
    FOR reader IN SELECT a.grantee FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
                  WHERE c.oid = 'analytics.visits'::regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT SELECT ON analytics.packs, analytics.due_days, analytics.goals_counted TO %s',
                       CASE reader WHEN 0 THEN 'PUBLIC' ELSE reader::regrole::text END);
    END LOOP;
END
$$;

-- Settings ---------------------------------------------------------------------------------------------------

-- A JSON array of objects, at most 65536 bytes when written without spaces (of which those within strings stay).
CREATE FUNCTION is_rules(rules jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof(rules) <> 'array' THEN false
           ELSE octet_length(regexp_replace(rules::text, '("([^"\\]|\\.)*")| ', '\1', 'g')) <= 65536
                AND NOT jsonb_path_exists(rules, 'strict $[*] ? (@.type() != "object")') END
$$;

ALTER TABLE analytics_settings
    ADD COLUMN blocked_countries jsonb CHECK (analytics.is_list(blocked_countries)),
    ADD COLUMN blocked_referrers jsonb CHECK (analytics.is_list(blocked_referrers)),
    ADD COLUMN goals jsonb CHECK (analytics.is_rules(goals)),
    ADD COLUMN path_rules jsonb CHECK (analytics.is_rules(path_rules));

-- Visits -----------------------------------------------------------------------------------------------------

-- Of the entry, if not named otherwise; NULL where it is not known. Rows from before have no entry and no exit.
ALTER TABLE visits
    ADD COLUMN last_day integer NOT NULL DEFAULT 0,
    ADD COLUMN entry_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN exit_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN source text COLLATE "C",
    ADD COLUMN channel text COLLATE "C",
    ADD COLUMN utm_source text COLLATE "C",
    ADD COLUMN utm_medium text COLLATE "C",
    ADD COLUMN utm_campaign text COLLATE "C",
    ADD COLUMN utm_content text COLLATE "C",
    ADD COLUMN utm_term text COLLATE "C",
    ADD COLUMN country text COLLATE "C",
    ADD COLUMN browser text COLLATE "C",
    ADD COLUMN os text COLLATE "C",
    ADD COLUMN device text COLLATE "C",
    ADD COLUMN language text COLLATE "C",
    ADD COLUMN entry_path text COLLATE "C",
    ADD COLUMN exit_path text COLLATE "C",
    ADD COLUMN referrer text COLLATE "C",
    ADD COLUMN screen text COLLATE "C",
    ADD COLUMN entry_name text COLLATE "C";

DROP FUNCTION load_visits(text[], integer[], bigint[]);
CREATE FUNCTION load_visits(sites text[], days integer[], visitors bigint[])
    RETURNS TABLE (n bigint, begin_ms bigint, before bigint, before_day integer, end_ms bigint, first_ms bigint,
                   first_day integer, first_hour_ms bigint, pageviews bigint, others bigint, last_day integer,
                   entry_ms bigint, exit_ms bigint, source text, channel text, utm_source text, utm_medium text,
                   utm_campaign text, utm_content text, utm_term text, country text, browser text, os text, device text,
                   language text, entry_path text, exit_path text, referrer text, screen text, entry_name text)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT k.n, v.begin_ms, v.before, v.before_day, v.end_ms, v.first_ms, v.first_day, v.first_hour_ms, v.pageviews,
               v.others, v.last_day, v.entry_ms, v.exit_ms, v.source, v.channel, v.utm_source, v.utm_medium,
               v.utm_campaign, v.utm_content, v.utm_term, v.country, v.browser, v.os, v.device, v.language,
               v.entry_path, v.exit_path, v.referrer, v.screen, v.entry_name
        FROM unnest(sites, days, visitors) WITH ORDINALITY AS k (site_id, day, visitor, n)
        JOIN analytics.visits v ON v.site_id = k.site_id AND v.day = k.day AND v.visitor = k.visitor;
END
$$;

-- They had lost their raw rows, and with them everything that a breakdown could be made of.
DROP TABLE closed_visits;
