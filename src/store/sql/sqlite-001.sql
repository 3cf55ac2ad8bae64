-- The first schema.
--
-- Instants are integers, milliseconds since 1970-01-01T00:00:00Z; a `day` is a count of days since 1970-01-01;
-- the `date` of analytics_daily_stats is text, because people and other programs read that table. Keys begin with
-- site_id wherever rows belong to a site. Sums stop at 2^53-1, which every JSON reader can hold.
--
-- analytics_settings, tenants and tokens may be changed by anyone who has the file: constraints and triggers here,
-- not only the program, keep them in bounds and raise the counter that the directory looks at.

PRAGMA application_id = 0x41626163;

CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- event_id: the greatest id given to a raw row. folded_*: what removed rows of ledger and positions held, so that
-- both sides of the ledger's check still add up.
INSERT INTO counters (name, value)
VALUES ('as_of', 0), ('last_success', 0), ('daily_stats_rows', 0), ('directory', 0), ('event_id', 0),
       ('folded_records', 0), ('folded_positions', 0);

-- id_key: hashes idempotency keys.
CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What is counted ---------------------------------------------------------------------------------------------

CREATE TABLE analytics_events (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    timestamp INTEGER NOT NULL,
    id INTEGER NOT NULL,
    tenant_id TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT, -- of custom events
    day INTEGER NOT NULL,
    visitor INTEGER, -- with site and time it names the visit
    path TEXT,
    referrer TEXT,
    title TEXT,
    screen TEXT,
    props TEXT,
    count INTEGER NOT NULL,
    tokens INTEGER,
    seconds_ms INTEGER,
    scroll INTEGER,
    PRIMARY KEY (site_id, timestamp, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE analytics_daily_stats (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    date TEXT NOT NULL CHECK (date GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL GENERATED ALWAYS AS (tenant_id || '-' || site_id || '-' || replace(date, '-', '')) VIRTUAL,
    pageviews INTEGER NOT NULL,
    leads INTEGER NOT NULL,
    forms INTEGER NOT NULL,
    exports INTEGER NOT NULL,
    automation_runs INTEGER NOT NULL,
    ai_tokens INTEGER NOT NULL,
    unique_visitors INTEGER NOT NULL,
    converters INTEGER NOT NULL,
    visits INTEGER NOT NULL,
    bounces INTEGER NOT NULL,
    visit_ms INTEGER NOT NULL,
    visit_pageviews INTEGER NOT NULL,
    conversions INTEGER NOT NULL,
    unattributed_conversions INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    PRIMARY KEY (site_id, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE hourly_stats (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    hour_ms INTEGER NOT NULL, -- the instant at which the local hour begins
    day INTEGER NOT NULL,
    tenant_id TEXT NOT NULL,
    pageviews INTEGER NOT NULL,
    leads INTEGER NOT NULL,
    forms INTEGER NOT NULL,
    exports INTEGER NOT NULL,
    automation_runs INTEGER NOT NULL,
    ai_tokens INTEGER NOT NULL,
    unique_visitors INTEGER NOT NULL,
    converters INTEGER NOT NULL,
    visits INTEGER NOT NULL,
    bounces INTEGER NOT NULL,
    visit_ms INTEGER NOT NULL,
    visit_pageviews INTEGER NOT NULL,
    conversions INTEGER NOT NULL,
    unattributed_conversions INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    PRIMARY KEY (site_id, hour_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE sketches (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    day INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    hour_ms INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (site_id, day, kind, hour_ms)
) STRICT, WITHOUT ROWID;

-- Runs of events, and links to a visitor's id under the day before (`before` is not 0). `day` is the one under whose
-- salt the id was made.
CREATE TABLE visits (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    day INTEGER NOT NULL,
    visitor INTEGER NOT NULL,
    begin_ms INTEGER NOT NULL,
    before INTEGER NOT NULL,
    before_day INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    first_day INTEGER NOT NULL,
    first_hour_ms INTEGER NOT NULL,
    pageviews INTEGER NOT NULL,
    others INTEGER NOT NULL,
    PRIMARY KEY (site_id, day, visitor, begin_ms)
) STRICT, WITHOUT ROWID;

-- Visits of days that have lost their raw rows: nothing here tells which of them were one visitor's. n is random.
CREATE TABLE closed_visits (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    first_day INTEGER NOT NULL,
    n INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    first_hour_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    pageviews INTEGER NOT NULL,
    others INTEGER NOT NULL,
    PRIMARY KEY (site_id, first_day, n)
) STRICT, WITHOUT ROWID;

-- Idempotency keys, hashed.
CREATE TABLE event_ids (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    id BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    PRIMARY KEY (site_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_ids_by_time ON event_ids (received_ms);

CREATE TABLE ledger (
    site_id TEXT NOT NULL CHECK (site_id <> ''),
    day INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)), -- stored, dropped, rejected
    reason TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    events INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (site_id, day, kind, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE positions (
    producer BLOB NOT NULL CHECK (length(producer) = 16),
    partition INTEGER NOT NULL,
    number INTEGER NOT NULL,
    moved_ms INTEGER NOT NULL,
    PRIMARY KEY (producer, partition)
) STRICT, WITHOUT ROWID;

-- Whom it belongs to ------------------------------------------------------------------------------------------

CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64 AND id NOT GLOB '*[^A-Za-z0-9_-]*'),
    name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 200),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A site is its row here. `id` is the order in which sites were made. A list is a JSON array of strings; NULL:
-- not set, the default holds. NULL days: the installation's; 0: for ever.
CREATE TABLE analytics_settings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site_id TEXT NOT NULL UNIQUE CHECK (length(site_id) BETWEEN 1 AND 64 AND site_id NOT GLOB '*[^A-Za-z0-9_-]*'),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    domain TEXT NOT NULL CHECK (length(CAST(domain AS BLOB)) BETWEEN 1 AND 253),
    timezone TEXT NOT NULL DEFAULT 'UTC' CHECK (length(CAST(timezone AS BLOB)) BETWEEN 1 AND 64),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    respect_gpc INTEGER NOT NULL DEFAULT 1 CHECK (respect_gpc IN (0, 1)),
    respect_dnt INTEGER NOT NULL DEFAULT 0 CHECK (respect_dnt IN (0, 1)),
    mask_personal INTEGER NOT NULL DEFAULT 1 CHECK (mask_personal IN (0, 1)),
    visitor_identity TEXT NOT NULL DEFAULT 'cut-address' CHECK (visitor_identity IN ('cut-address', 'full-address')),
    ipv4_prefix INTEGER NOT NULL DEFAULT 24 CHECK (ipv4_prefix BETWEEN 0 AND 24),
    ipv6_prefix INTEGER NOT NULL DEFAULT 48 CHECK (ipv6_prefix BETWEEN 0 AND 48),
    tracking_ids TEXT CHECK (tracking_ids IS NULL OR length(CAST(tracking_ids AS BLOB)) <= 65536
        AND CASE WHEN json_valid(tracking_ids) THEN json_type(tracking_ids) = 'array' ELSE 0 END),
    allowed_origins TEXT CHECK (allowed_origins IS NULL OR length(CAST(allowed_origins AS BLOB)) <= 65536
        AND CASE WHEN json_valid(allowed_origins) THEN json_type(allowed_origins) = 'array' ELSE 0 END),
    query_params TEXT CHECK (query_params IS NULL OR length(CAST(query_params AS BLOB)) <= 65536
        AND CASE WHEN json_valid(query_params) THEN json_type(query_params) = 'array' ELSE 0 END),
    blocked_addresses TEXT CHECK (blocked_addresses IS NULL OR length(CAST(blocked_addresses AS BLOB)) <= 65536
        AND CASE WHEN json_valid(blocked_addresses) THEN json_type(blocked_addresses) = 'array' ELSE 0 END),
    blocked_paths TEXT CHECK (blocked_paths IS NULL OR length(CAST(blocked_paths AS BLOB)) <= 65536
        AND CASE WHEN json_valid(blocked_paths) THEN json_type(blocked_paths) = 'array' ELSE 0 END),
    disabled_events TEXT CHECK (disabled_events IS NULL OR length(CAST(disabled_events AS BLOB)) <= 65536
        AND CASE WHEN json_valid(disabled_events) THEN json_type(disabled_events) = 'array' ELSE 0 END),
    require_token TEXT CHECK (require_token IS NULL OR length(CAST(require_token AS BLOB)) <= 65536
        AND CASE WHEN json_valid(require_token) THEN json_type(require_token) = 'array' ELSE 0 END),
    events_per_second INTEGER NOT NULL DEFAULT 0 CHECK (events_per_second BETWEEN 0 AND 1000000000),
    paths_per_day INTEGER NOT NULL DEFAULT 10000 CHECK (paths_per_day BETWEEN 1 AND 10000000),
    raw_days INTEGER CHECK (raw_days BETWEEN 0 AND 36500),
    visit_days INTEGER CHECK (visit_days BETWEEN 0 AND 36500),
    stats_days INTEGER CHECK (stats_days BETWEEN 0 AND 36500),
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX analytics_settings_by_tenant ON analytics_settings (tenant_id, site_id);

-- Every siteId and every trackingId: its key makes them unique together. Kept by the triggers below.
CREATE TABLE site_names (
    name TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9_-]*'),
    site_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX site_names_by_site ON site_names (site_id);

-- Sites that are gone while some of their numbers are not: nobody else may have their id, and retention goes on.
CREATE TABLE removed_sites (
    site_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64 AND id NOT GLOB '*[^A-Za-z0-9_-]*'),
    tenant_id TEXT REFERENCES tenants (id),
    site_id TEXT REFERENCES analytics_settings (site_id),
    platform INTEGER NOT NULL CHECK (platform IN (0, 1)),
    scopes INTEGER NOT NULL CHECK (scopes BETWEEN 1 AND 15),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    CHECK (platform = (tenant_id IS NULL)),
    CHECK (site_id IS NULL OR tenant_id IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (at_ms);

-- What keeps it right -----------------------------------------------------------------------------------------

CREATE TRIGGER settings_site_is_immutable BEFORE UPDATE OF id, site_id, tenant_id ON analytics_settings
WHEN new.id IS NOT old.id OR new.site_id IS NOT old.site_id OR new.tenant_id IS NOT old.tenant_id
BEGIN
    SELECT RAISE(ABORT, 'site_id and tenant_id never change');
END;

CREATE TRIGGER settings_names_on_insert AFTER INSERT ON analytics_settings
BEGIN
    INSERT INTO site_names (name, site_id) VALUES (new.site_id, new.site_id);
    INSERT INTO site_names (name, site_id) SELECT value, new.site_id FROM json_each(new.tracking_ids);
END;

CREATE TRIGGER settings_names_on_update AFTER UPDATE OF tracking_ids ON analytics_settings
BEGIN
    DELETE FROM site_names WHERE site_id = new.site_id AND name <> new.site_id;
    INSERT INTO site_names (name, site_id) SELECT value, new.site_id FROM json_each(new.tracking_ids);
END;

CREATE TRIGGER settings_names_on_delete AFTER DELETE ON analytics_settings
BEGIN
    DELETE FROM site_names WHERE site_id = old.site_id;
END;

CREATE TRIGGER settings_seen_on_insert AFTER INSERT ON analytics_settings
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER settings_seen_on_update AFTER UPDATE ON analytics_settings
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER settings_seen_on_delete AFTER DELETE ON analytics_settings
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;

CREATE TRIGGER tenants_seen_on_insert AFTER INSERT ON tenants
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER tenants_seen_on_update AFTER UPDATE ON tenants
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER tenants_seen_on_delete AFTER DELETE ON tenants
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;

CREATE TRIGGER tokens_seen_on_insert AFTER INSERT ON tokens
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER tokens_seen_on_update AFTER UPDATE ON tokens
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER tokens_seen_on_delete AFTER DELETE ON tokens
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
