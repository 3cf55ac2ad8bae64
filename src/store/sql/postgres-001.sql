-- The first schema.
--
-- Run in one transaction by the role that owns it, with search_path = analytics, pg_catalog. Names and columns are
-- those of sqlite-001.sql; what is different is said where it stands. Instants named *_ms are integers, milliseconds
-- since 1970-01-01T00:00:00Z; an integer `day` is a count of days since 1970-01-01. Where people and other programs
-- read (analytics_events, analytics_daily_stats, analytics_settings) they are timestamptz and date. Text keys are
-- compared bytewise, whatever the database's collation. Keys begin with site_id wherever rows belong to a site.
--
-- Roles. The server's role owns the schema and needs nothing else:
--
--     CREATE ROLE abacus LOGIN PASSWORD '...';
--     CREATE DATABASE abacus ENCODING 'UTF8' TEMPLATE template0;
--     CREATE SCHEMA analytics AUTHORIZATION abacus;                 -- in that database
--
-- (or GRANT CREATE ON DATABASE, and it makes the schema itself). Others get what they need, after the first migration;
-- days of raw rows are read through analytics_events, so that a grant on it covers those to come:
--
--     GRANT USAGE ON SCHEMA analytics TO abacus_reader, payload;
--     GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO abacus_reader;
--     REVOKE SELECT ON salts, secrets, tokens, users, sessions, links, erasures FROM abacus_reader;
--     GRANT SELECT ON analytics_events, analytics_daily_stats, tenants TO payload;
--     GRANT SELECT, INSERT, UPDATE, DELETE ON analytics_settings TO payload;
--
-- A node that only answers queries needs these too: leave the REVOKE out and give it to no one else.
-- analytics_settings, tenants and tokens may be changed by anyone who has the right: constraints and triggers here, not
-- only the program, keep them in bounds, raise the counter that the directory looks at and tell every node (LISTEN
-- analytics). The triggers run with the rights of the schema's owner.

-- What is run and who runs it ---------------------------------------------------------------------------------

-- Which of these files were run. Programs that know the file `works_from` or a later one can still use the schema.
CREATE TABLE migrations (
    number integer PRIMARY KEY,
    works_from integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO migrations (number, works_from) VALUES (1, 1);

-- folded_*: what removed rows of ledger and positions held, so that both sides of the ledger's check still add up.
-- What SQLite keeps here as as_of, last_success and daily_stats_rows stands in `leases`, a share for each partition,
-- so that aggregators never wait for each other; event_id is a sequence.
CREATE TABLE counters (
    name text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO counters (name, value) VALUES ('directory', 0), ('folded_records', 0), ('folded_positions', 0);

-- id_key: hashes idempotency keys.
CREATE TABLE secrets (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

-- The copies whose rows are in here (`abacus import`, `abacus restore`), so that the same one is not imported twice.
CREATE TABLE copies (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    made_ms bigint NOT NULL,
    loaded_ms bigint NOT NULL
);

-- Who counts a partition's events: `holder` (NULL: nobody) until `until` by the database's own clock. `epoch` grows
-- with each change of hands; a commit locks these rows first and checks it. as_of_ms: everything received up to here is
-- counted; commits: raised by each commit that touches the partition; stats_rows: daily rows written for it.
CREATE TABLE leases (
    partition integer PRIMARY KEY CHECK (partition BETWEEN 0 AND 15),
    holder text,
    epoch bigint NOT NULL DEFAULT 0,
    until timestamptz NOT NULL DEFAULT '-infinity',
    as_of_ms bigint NOT NULL DEFAULT 0,
    last_success_ms bigint NOT NULL DEFAULT 0,
    commits bigint NOT NULL DEFAULT 0,
    stats_rows bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO leases (partition) SELECT generate_series(0, 15);

-- The salts of the dates that run somewhere. Unlogged, and only ever rewritten whole after TRUNCATE: neither the
-- write-ahead log nor a dead row keeps one longer than it may live. A crash of the server empties it; then the nodes
-- put back what they hold.
CREATE UNLOGGED TABLE salts (
    day integer PRIMARY KEY,
    made_ms bigint NOT NULL,
    key bytea NOT NULL CHECK (octet_length(key) = 32)
);

-- What is counted ---------------------------------------------------------------------------------------------

-- Up to 2^53-1, which every JSON reader can hold.
CREATE SEQUENCE analytics_events_id_seq MAXVALUE 9007199254740991 CACHE 1000;

-- A partition for each UTC date of "timestamp", made ahead and dropped whole (analytics_events_YYYYMMDD).
CREATE TABLE analytics_events (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    "timestamp" timestamptz(3) NOT NULL,
    id bigint NOT NULL DEFAULT nextval('analytics_events_id_seq'),
    tenant_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    name text COLLATE "C", -- of custom events
    day date NOT NULL,     -- in the site's time zone
    visitor bigint,        -- with site and time it names the visit
    path text COLLATE "C",
    referrer text COLLATE "C",
    title text COLLATE "C",
    screen text COLLATE "C",
    props jsonb,
    count bigint NOT NULL,
    tokens bigint,
    seconds_ms bigint,
    scroll integer,
    PRIMARY KEY (site_id, "timestamp", id)
) PARTITION BY RANGE ("timestamp");
CREATE INDEX analytics_events_by_id ON analytics_events (id);
ALTER SEQUENCE analytics_events_id_seq OWNED BY analytics_events.id;

CREATE TABLE analytics_daily_stats (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    date date NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL GENERATED ALWAYS AS (tenant_id || '-' || site_id || '-' || lpad((
        extract(year FROM date) * 10000 + extract(month FROM date) * 100 + extract(day FROM date))::integer::text,
        8, '0')) STORED,
    pageviews bigint NOT NULL,
    leads bigint NOT NULL,
    forms bigint NOT NULL,
    exports bigint NOT NULL,
    automation_runs bigint NOT NULL,
    ai_tokens bigint NOT NULL,
    unique_visitors bigint NOT NULL,
    converters bigint NOT NULL,
    visits bigint NOT NULL,
    bounces bigint NOT NULL,
    visit_ms bigint NOT NULL,
    visit_pageviews bigint NOT NULL,
    conversions bigint NOT NULL,
    unattributed_conversions bigint NOT NULL,
    estimated bigint NOT NULL,
    PRIMARY KEY (site_id, date)
) WITH (fillfactor = 80);
CREATE INDEX analytics_daily_stats_by_id ON analytics_daily_stats (id);

CREATE TABLE hourly_stats (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    hour_ms bigint NOT NULL, -- the instant at which the local hour begins
    day integer NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    pageviews bigint NOT NULL,
    leads bigint NOT NULL,
    forms bigint NOT NULL,
    exports bigint NOT NULL,
    automation_runs bigint NOT NULL,
    ai_tokens bigint NOT NULL,
    unique_visitors bigint NOT NULL,
    converters bigint NOT NULL,
    visits bigint NOT NULL,
    bounces bigint NOT NULL,
    visit_ms bigint NOT NULL,
    visit_pageviews bigint NOT NULL,
    conversions bigint NOT NULL,
    unattributed_conversions bigint NOT NULL,
    estimated bigint NOT NULL,
    PRIMARY KEY (site_id, hour_ms)
) WITH (fillfactor = 80);

CREATE TABLE sketches (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    day integer NOT NULL,
    kind integer NOT NULL,
    hour_ms bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (site_id, day, kind, hour_ms)
) WITH (fillfactor = 80);
-- Hashes do not compress.
ALTER TABLE sketches ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Runs of events, and links to a visitor's id under the day before (`before` is not 0). `day` is the one under whose
-- salt the id was made.
CREATE TABLE visits (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    day integer NOT NULL,
    visitor bigint NOT NULL,
    begin_ms bigint NOT NULL,
    before bigint NOT NULL,
    before_day integer NOT NULL,
    end_ms bigint NOT NULL,
    first_ms bigint NOT NULL,
    first_day integer NOT NULL,
    first_hour_ms bigint NOT NULL,
    pageviews bigint NOT NULL,
    others bigint NOT NULL,
    PRIMARY KEY (site_id, day, visitor, begin_ms)
) WITH (fillfactor = 70); -- a new run mostly goes on in one of the next batches

-- Visits of days that have lost their raw rows: nothing here tells which of them were one visitor's. n is random.
CREATE TABLE closed_visits (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    first_day integer NOT NULL,
    n bigint NOT NULL,
    first_ms bigint NOT NULL,
    first_hour_ms bigint NOT NULL,
    end_ms bigint NOT NULL,
    pageviews bigint NOT NULL,
    others bigint NOT NULL,
    PRIMARY KEY (site_id, first_day, n)
);

-- Idempotency keys, hashed.
CREATE TABLE event_ids (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    id bytea NOT NULL,
    received_ms bigint NOT NULL,
    PRIMARY KEY (site_id, id)
);
CREATE INDEX event_ids_by_time ON event_ids (received_ms);

CREATE TABLE ledger (
    site_id text COLLATE "C" NOT NULL CHECK (site_id <> ''),
    day integer NOT NULL,
    kind integer NOT NULL CHECK (kind IN (0, 1, 2)), -- stored, dropped, rejected
    reason text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    events bigint NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (site_id, day, kind, reason)
) WITH (fillfactor = 80);

CREATE TABLE positions (
    producer bytea NOT NULL CHECK (octet_length(producer) = 16),
    partition integer NOT NULL,
    number bigint NOT NULL,
    moved_ms bigint NOT NULL,
    PRIMARY KEY (producer, partition)
) WITH (fillfactor = 50);

-- Whom it belongs to ------------------------------------------------------------------------------------------

CREATE TABLE tenants (
    id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 200),
    active boolean NOT NULL,
    created_ms bigint NOT NULL
);

-- A JSON array of strings, at most 65536 bytes when written without spaces.
CREATE FUNCTION is_list(list jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof(list) <> 'array' THEN false
           ELSE octet_length(list::text) - greatest(jsonb_array_length(list) - 1, 0) <= 65536
                AND NOT jsonb_path_exists(list, 'strict $[*] ? (@.type() != "string")') END
$$;

-- A site is its row here. `id` is the order in which sites were made. NULL in a list: not set, the default holds. NULL
-- days: the installation's; 0: for ever.
CREATE TABLE analytics_settings (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    site_id text COLLATE "C" NOT NULL UNIQUE CHECK (site_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    domain text NOT NULL CHECK (octet_length(domain) BETWEEN 1 AND 253),
    timezone text NOT NULL DEFAULT 'UTC' CHECK (octet_length(timezone) BETWEEN 1 AND 64),
    enabled boolean NOT NULL DEFAULT true,
    respect_gpc boolean NOT NULL DEFAULT true,
    respect_dnt boolean NOT NULL DEFAULT false,
    mask_personal boolean NOT NULL DEFAULT true,
    visitor_identity text NOT NULL DEFAULT 'cut-address' CHECK (visitor_identity IN ('cut-address', 'full-address')),
    ipv4_prefix integer NOT NULL DEFAULT 24 CHECK (ipv4_prefix BETWEEN 0 AND 24),
    ipv6_prefix integer NOT NULL DEFAULT 48 CHECK (ipv6_prefix BETWEEN 0 AND 48),
    tracking_ids jsonb CHECK (analytics.is_list(tracking_ids)),
    allowed_origins jsonb CHECK (analytics.is_list(allowed_origins)),
    query_params jsonb CHECK (analytics.is_list(query_params)),
    blocked_addresses jsonb CHECK (analytics.is_list(blocked_addresses)),
    blocked_paths jsonb CHECK (analytics.is_list(blocked_paths)),
    disabled_events jsonb CHECK (analytics.is_list(disabled_events)),
    require_token jsonb CHECK (analytics.is_list(require_token)),
    events_per_second bigint NOT NULL DEFAULT 0 CHECK (events_per_second BETWEEN 0 AND 1000000000),
    paths_per_day bigint NOT NULL DEFAULT 10000 CHECK (paths_per_day BETWEEN 1 AND 10000000),
    raw_days integer CHECK (raw_days BETWEEN 0 AND 36500),
    visit_days integer CHECK (visit_days BETWEEN 0 AND 36500),
    stats_days integer CHECK (stats_days BETWEEN 0 AND 36500),
    created_ms bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
);
CREATE INDEX analytics_settings_by_tenant ON analytics_settings (tenant_id, site_id);

-- Every siteId and every trackingId: its key makes them unique together. Kept by the triggers below.
CREATE TABLE site_names (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    site_id text COLLATE "C" NOT NULL
);
CREATE INDEX site_names_by_site ON site_names (site_id);

-- Sites that are gone while some of their numbers are not: nobody else may have their id, and retention goes on. Kept
-- by the triggers below.
CREATE TABLE removed_sites (
    site_id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL
);

CREATE TABLE tokens (
    id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    tenant_id text COLLATE "C" REFERENCES tenants (id) ON DELETE CASCADE,
    site_id text COLLATE "C" REFERENCES analytics_settings (site_id) ON DELETE CASCADE,
    platform boolean NOT NULL,
    scopes integer NOT NULL CHECK (scopes BETWEEN 1 AND 15),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_ms bigint NOT NULL,
    expires_ms bigint NOT NULL,
    CHECK (platform = (tenant_id IS NULL)),
    CHECK (site_id IS NULL OR tenant_id IS NOT NULL)
);
CREATE INDEX tokens_by_tenant ON tokens (tenant_id);
CREATE INDEX tokens_by_site ON tokens (site_id);

CREATE TABLE audit_log (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at_ms bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL
);
CREATE INDEX audit_log_by_time ON audit_log (at_ms);

-- What keeps it right -----------------------------------------------------------------------------------------

-- The constraint's name tells this from a row that no partition takes, which has the same code and none.
CREATE FUNCTION settings_site_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'site_id and tenant_id never change'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'settings_site_is_immutable';
END
$$;
CREATE TRIGGER settings_site_is_immutable BEFORE UPDATE ON analytics_settings FOR EACH ROW
    WHEN (new.id <> old.id OR new.site_id <> old.site_id OR new.tenant_id <> old.tenant_id)
    EXECUTE FUNCTION settings_site_is_immutable();

-- The numbers of a removed site are still there: nobody else may read them under its id.
CREATE FUNCTION settings_take_back_id() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = analytics, pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM removed_sites r WHERE r.site_id = new.site_id AND r.tenant_id <> new.tenant_id) THEN
        RAISE EXCEPTION 'site % was another tenant''s, and its numbers are still kept', new.site_id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'settings_take_back_id';
    END IF;
    DELETE FROM removed_sites r WHERE r.site_id = new.site_id;
    RETURN new;
END
$$;
CREATE TRIGGER settings_take_back_id BEFORE INSERT ON analytics_settings FOR EACH ROW
    EXECUTE FUNCTION settings_take_back_id();

CREATE FUNCTION settings_names() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = analytics, pg_catalog, pg_temp AS $$
BEGIN
    IF tg_op = 'DELETE' THEN
        DELETE FROM site_names n WHERE n.site_id = old.site_id;
        INSERT INTO removed_sites (site_id, tenant_id) VALUES (old.site_id, old.tenant_id) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END IF;
    IF tg_op = 'INSERT' THEN
        INSERT INTO site_names (name, site_id) VALUES (new.site_id, new.site_id);
    ELSE
        DELETE FROM site_names n WHERE n.site_id = new.site_id AND n.name <> new.site_id;
    END IF;
    INSERT INTO site_names (name, site_id)
        SELECT name, new.site_id FROM jsonb_array_elements_text(new.tracking_ids) name;
    RETURN NULL;
END
$$;
CREATE TRIGGER settings_names AFTER INSERT OR DELETE OR UPDATE OF tracking_ids ON analytics_settings FOR EACH ROW
    EXECUTE FUNCTION settings_names();

CREATE FUNCTION directory_changed() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = analytics, pg_catalog, pg_temp AS $$
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
    NOTIFY analytics;
    RETURN NULL;
END
$$;
CREATE TRIGGER settings_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON analytics_settings FOR EACH STATEMENT
    EXECUTE FUNCTION directory_changed();
CREATE TRIGGER tenants_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenants FOR EACH STATEMENT
    EXECUTE FUNCTION directory_changed();
CREATE TRIGGER tokens_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tokens FOR EACH STATEMENT
    EXECUTE FUNCTION directory_changed();

CREATE FUNCTION salts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY analytics;
    RETURN NULL;
END
$$;
CREATE TRIGGER salts_changed AFTER INSERT OR TRUNCATE ON salts FOR EACH STATEMENT EXECUTE FUNCTION salts_changed();

-- What the job does in one go ---------------------------------------------------------------------------------
--
-- Called by the server's sessions only. Names that a caller could shadow are written in full.

-- Leases. Rows are locked in the order of their partitions. A take-over never waits for a row: who holds the lock is
-- just committing.

-- Whether a lease that is given for `ms` still runs. One that would run far longer than it can have been given for is
-- from before the server's clock was set back.
CREATE FUNCTION is_current(until timestamptz, ms integer) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT until BETWEEN clock_timestamp() AND clock_timestamp() + 2 * ms * interval '1 millisecond'
$$;

-- Of the partitions in `wanted` (bit p for partition p) those that are free, if there are at least so many.
CREATE FUNCTION take_leases(wanted integer, at_least integer, taker text, ms integer)
    RETURNS TABLE (partition integer, epoch bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    free integer[] := ARRAY(
        SELECT l.partition FROM analytics.leases l
        WHERE (wanted >> l.partition) & 1 = 1 AND (l.holder IS NULL OR NOT analytics.is_current(l.until, ms))
        ORDER BY l.partition FOR UPDATE SKIP LOCKED);
BEGIN
    IF cardinality(free) >= at_least THEN
        RETURN QUERY UPDATE analytics.leases l
            SET holder = taker, epoch = l.epoch + 1, until = clock_timestamp() + ms * interval '1 millisecond'
            WHERE l.partition = ANY (free) RETURNING l.partition, l.epoch;
    END IF;
END
$$;

-- A holder that was stopped in the middle of a transaction keeps its rows locked for as long as the operating system
-- keeps its connection. Once it should have renewed its lease and the server only waits for its next word, its session
-- ends, and with it the transaction, of which nothing stays.
CREATE FUNCTION end_stuck_holders(wanted integer, ms integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM analytics.leases l
               WHERE (wanted >> l.partition) & 1 = 1 AND l.holder IS NOT NULL
                     AND NOT analytics.is_current(l.until, ms)) THEN
        PERFORM pg_terminate_backend(a.pid)
        FROM pg_stat_activity a
        WHERE a.pid <> pg_backend_pid() AND a.usename = current_user AND a.wait_event = 'ClientRead'
              AND a.xact_start < clock_timestamp() - ms * interval '1 millisecond'
              AND a.pid IN (SELECT k.pid FROM analytics.leases l
                            JOIN pg_locks k ON k.locktype = 'transactionid' AND k.transactionid = l.xmax AND k.granted
                            WHERE (wanted >> l.partition) & 1 = 1 AND NOT analytics.is_current(l.until, ms));
    END IF;
END
$$;

-- What every transaction of the job begins with: lock the leases that it holds, see that they are still its own, renew
-- them, and note which partitions it touches and how many daily rows it writes for each of those.
CREATE FUNCTION hold_leases(held integer[], epochs bigint[], ms integer, touched integer[], rows bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    lost integer;
BEGIN
    PERFORM FROM analytics.leases l WHERE l.partition = ANY (held || touched) ORDER BY l.partition FOR UPDATE;
    SELECT h.partition INTO lost
    FROM unnest(held, epochs) AS h (partition, epoch)
    LEFT JOIN analytics.leases l ON l.partition = h.partition AND l.epoch = h.epoch AND l.holder IS NOT NULL
    WHERE l.partition IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the lease on partition % is another''s now', lost USING ERRCODE = 'AB001';
    END IF;
    UPDATE analytics.leases l
    SET until = CASE WHEN l.partition = ANY (held) THEN clock_timestamp() + ms * interval '1 millisecond' ELSE l.until END,
        commits = l.commits + CASE WHEN t.partition IS NULL THEN 0 ELSE 1 END,
        stats_rows = l.stats_rows + coalesce(t.rows, 0)
    FROM unnest(held || touched) AS h (partition)
    LEFT JOIN unnest(touched, rows) AS t (partition, rows) ON t.partition = h.partition
    WHERE l.partition = h.partition;
END
$$;

-- From `numbers` (0: nothing yet) to `targets`, all or none.
CREATE FUNCTION move_positions(producers bytea[], partitions integer[], numbers bigint[], targets bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;
    begun bigint;
    moved bigint;
    stray record;
BEGIN
    INSERT INTO analytics.positions (producer, partition, number, moved_ms)
        SELECT m.producer, m.partition, m.target, now_ms
        FROM unnest(producers, partitions, numbers, targets) AS m (producer, partition, number, target)
        WHERE m.number = 0 ORDER BY m.producer, m.partition
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS begun = ROW_COUNT;
    UPDATE analytics.positions p SET number = m.target, moved_ms = now_ms
        FROM unnest(producers, partitions, numbers, targets) AS m (producer, partition, number, target)
        WHERE m.number <> 0 AND p.producer = m.producer AND p.partition = m.partition AND p.number = m.number;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF begun + moved <> cardinality(producers) THEN
        SELECT m.partition, m.number INTO stray
        FROM unnest(producers, partitions, numbers, targets) AS m (producer, partition, number, target)
        LEFT JOIN analytics.positions p ON p.producer = m.producer AND p.partition = m.partition
        WHERE p.number IS DISTINCT FROM m.target LIMIT 1;
        RAISE EXCEPTION 'partition % is not at record %', stray.partition, stray.number USING ERRCODE = 'AB002';
    END IF;
END
$$;

-- What a batch needs, thousands of keys at once; `n` counts the keys from 1. However old the planner's statistics are,
-- each key is one look into the primary key.
CREATE FUNCTION load_sketches(sites text[], days integer[], kinds integer[], hours bigint[])
    RETURNS TABLE (n bigint, bytes bytea) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT k.n, s.bytes
        FROM unnest(sites, days, kinds, hours) WITH ORDINALITY AS k (site_id, day, kind, hour_ms, n)
        JOIN analytics.sketches s
        ON s.site_id = k.site_id AND s.day = k.day AND s.kind = k.kind AND s.hour_ms = k.hour_ms;
END
$$;

CREATE FUNCTION load_visits(sites text[], days integer[], visitors bigint[])
    RETURNS TABLE (n bigint, begin_ms bigint, before bigint, before_day integer, end_ms bigint, first_ms bigint,
                   first_day integer, first_hour_ms bigint, pageviews bigint, others bigint) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT k.n, v.begin_ms, v.before, v.before_day, v.end_ms, v.first_ms, v.first_day, v.first_hour_ms, v.pageviews,
               v.others
        FROM unnest(sites, days, visitors) WITH ORDINALITY AS k (site_id, day, visitor, n)
        JOIN analytics.visits v ON v.site_id = k.site_id AND v.day = k.day AND v.visitor = k.visitor;
END
$$;

CREATE FUNCTION load_keys(sites text[], ids bytea[])
    RETURNS TABLE (n bigint, received_ms bigint) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT k.n, e.received_ms
        FROM unnest(sites, ids) WITH ORDINALITY AS k (site_id, id, n)
        JOIN analytics.event_ids e ON e.site_id = k.site_id AND e.id = k.id;
END
$$;

-- Days of raw rows. A day's table is made aside and attached: readers and writers of the other days go on meanwhile.
-- Whoever makes or drops one holds the advisory lock 'Abacdays'.

CREATE VIEW event_days AS
    SELECT c.oid AS id, c.relname::text AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS day,
           i.inhrelid IS NOT NULL AS attached, coalesce(i.inhdetachpending, false) AS leaving
    FROM pg_class c
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = 'analytics.analytics_events'::regclass
    WHERE c.relnamespace = 'analytics'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^analytics_events_[0-9]{8}$';

CREATE FUNCTION make_days(wanted date[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d date;
    there record;
    child text;
BEGIN
    IF (SELECT count(*) FROM analytics.event_days e WHERE e.day = ANY (wanted) AND e.attached AND NOT e.leaving) =
       cardinality(wanted) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(4711402863281170803);
    FOREACH d IN ARRAY wanted LOOP
        child := 'analytics_events_' || to_char(d, 'YYYYMMDD');
        SELECT e.attached, e.leaving INTO there FROM analytics.event_days e WHERE e.name = child;
        IF there.leaving THEN
            RAISE EXCEPTION '% is just being detached', child USING ERRCODE = 'object_in_use';
        END IF;
        CONTINUE WHEN there.attached;
        IF NOT there.attached THEN
            EXECUTE format('DROP TABLE analytics.%I', child);
        END IF;
        EXECUTE format('CREATE TABLE analytics.%I (LIKE analytics.analytics_events INCLUDING DEFAULTS'
                       ' INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)', child);
        EXECUTE format('ALTER TABLE analytics.analytics_events ATTACH PARTITION analytics.%I FOR VALUES FROM (%L) TO (%L)',
                       child, to_char(d, 'YYYY-MM-DD 00:00:00+00'), to_char(d + 1, 'YYYY-MM-DD 00:00:00+00'));
    END LOOP;
END
$$;

CREATE FUNCTION drop_detached_days() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    child text;
BEGIN
    PERFORM pg_advisory_xact_lock(4711402863281170803);
    FOR child IN SELECT e.name FROM analytics.event_days e WHERE NOT e.attached LOOP
        EXECUTE format('DROP TABLE analytics.%I', child);
    END LOOP;
END
$$;

-- Raw rows of these sites from before these instants, at most so many; how many they were. Day by day: a row's place is
-- its own only within its table. A day that is dropped meanwhile has no rows.
CREATE FUNCTION expire_events(sites text[], before_ms bigint[], most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    latest_ms bigint := (SELECT max(b) FROM unnest(before_ms) b);
    removed bigint := 0;
    gone bigint;
    d record;
BEGIN
    FOR d IN SELECT e.name, (e.day - date '1970-01-01') * 86400000::bigint AS begin_ms FROM analytics.event_days e
             WHERE e.attached AND NOT e.leaving AND (e.day - date '1970-01-01') * 86400000::bigint < latest_ms
             ORDER BY e.day LOOP
        EXIT WHEN removed >= most;
        BEGIN
            EXECUTE format(
                'DELETE FROM analytics.%1$I WHERE ctid = ANY (ARRAY('
                'SELECT o.id FROM unnest($1, $2) AS s (site_id, before_ms) CROSS JOIN LATERAL ('
                'SELECT e.ctid AS id FROM analytics.%1$I e WHERE e.site_id = s.site_id AND e."timestamp" <'
                ' timestamptz ''1970-01-01 00:00:00+00'' + s.before_ms * interval ''1 millisecond'''
                ' ORDER BY e."timestamp" LIMIT $4) o WHERE s.before_ms > $3 LIMIT $4))', d.name)
                USING sites, before_ms, d.begin_ms, most - removed;
            GET DIAGNOSTICS gone = ROW_COUNT;
            removed := removed + gone;
        EXCEPTION WHEN undefined_table THEN
            CONTINUE;
        END;
    END LOOP;
    RETURN removed;
END
$$;
