-- Tenants with limits and settings of their own, people, shared links, and what is to be erased.

-- 0: no limit. `settings` is what AnalyticsSettings has, for those sites that set no value of their own. erase_ms: when
-- it is to be erased; 0: it is not.
ALTER TABLE tenants ADD COLUMN events_per_second INTEGER NOT NULL DEFAULT 0
    CHECK (events_per_second BETWEEN 0 AND 1000000000);
ALTER TABLE tenants ADD COLUMN events_per_month INTEGER NOT NULL DEFAULT 0
    CHECK (events_per_month BETWEEN 0 AND 1000000000000);
ALTER TABLE tenants ADD COLUMN sites_max INTEGER NOT NULL DEFAULT 0 CHECK (sites_max BETWEEN 0 AND 1000000);
ALTER TABLE tenants ADD COLUMN reads_per_minute INTEGER NOT NULL DEFAULT 600
    CHECK (reads_per_minute BETWEEN 0 AND 1000000);
ALTER TABLE tenants ADD COLUMN embed_origins TEXT CHECK (embed_origins IS NULL
    OR length(CAST(embed_origins AS BLOB)) <= 65536
    AND CASE WHEN json_valid(embed_origins) THEN json_type(embed_origins) = 'array' ELSE 0 END);
ALTER TABLE tenants ADD COLUMN settings TEXT CHECK (settings IS NULL
    OR length(CAST(settings AS BLOB)) <= 65536
    AND CASE WHEN json_valid(settings) THEN json_type(settings) = 'object' ELSE 0 END);
ALTER TABLE tenants ADD COLUMN erase_ms INTEGER NOT NULL DEFAULT 0 CHECK (erase_ms >= 0);

-- pinned: names of settings that are the site's own although they are what it would have by default.
ALTER TABLE analytics_settings ADD COLUMN public_dashboard INTEGER NOT NULL DEFAULT 0
    CHECK (public_dashboard IN (0, 1));
ALTER TABLE analytics_settings ADD COLUMN public_metrics TEXT CHECK (public_metrics IS NULL
    OR length(CAST(public_metrics AS BLOB)) <= 65536
    AND CASE WHEN json_valid(public_metrics) THEN json_type(public_metrics) = 'array' ELSE 0 END);
ALTER TABLE analytics_settings ADD COLUMN events_per_month INTEGER NOT NULL DEFAULT 0
    CHECK (events_per_month BETWEEN 0 AND 1000000000000);
ALTER TABLE analytics_settings ADD COLUMN pinned TEXT CHECK (pinned IS NULL
    OR length(CAST(pinned AS BLOB)) <= 65536
    AND CASE WHEN json_valid(pinned) THEN json_type(pinned) = 'array' ELSE 0 END);
ALTER TABLE analytics_settings ADD COLUMN erase_ms INTEGER NOT NULL DEFAULT 0 CHECK (erase_ms >= 0);

ALTER TABLE tokens ADD COLUMN name TEXT NOT NULL DEFAULT '' CHECK (length(CAST(name AS BLOB)) <= 200);

-- Whose line it is, who may read it; empty: the installation's.
ALTER TABLE audit_log ADD COLUMN tenant_id TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_log_by_tenant ON audit_log (tenant_id, id);

-- A shared link to one site's dashboard; what opens it is signed with the signing key.
CREATE TABLE links (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64 AND id NOT GLOB '*[^A-Za-z0-9_-]*'),
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    site_id TEXT NOT NULL REFERENCES analytics_settings (site_id) ON DELETE CASCADE,
    name TEXT NOT NULL DEFAULT '' CHECK (length(CAST(name AS BLOB)) <= 200),
    password TEXT NOT NULL DEFAULT '' CHECK (length(CAST(password AS BLOB)) <= 128), -- argon2id; empty: none
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL DEFAULT 0 CHECK (expires_ms >= 0) -- 0: never
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_tenant ON links (tenant_id, id);
CREATE INDEX links_by_site ON links (site_id);

-- What the installation sets for all sites, in its only row.
CREATE TABLE installation (
    id TEXT NOT NULL PRIMARY KEY CHECK (id = 'installation'),
    settings TEXT CHECK (settings IS NULL
        OR length(CAST(settings AS BLOB)) <= 65536
        AND CASE WHEN json_valid(settings) THEN json_type(settings) = 'object' ELSE 0 END)
) STRICT, WITHOUT ROWID;

-- People ------------------------------------------------------------------------------------------------------

-- The id is the e-mail address. memberships: [{"tenantId":"t5g","role":"manager","sites":["a"]}].
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(CAST(id AS BLOB)) BETWEEN 3 AND 254
        AND id GLOB '?*@?*' AND id NOT GLOB '*@*@*' AND id NOT GLOB '*[A-Z ]*'),
    name TEXT NOT NULL DEFAULT '' CHECK (length(CAST(name AS BLOB)) <= 200),
    password TEXT NOT NULL DEFAULT '' CHECK (length(CAST(password AS BLOB)) <= 128), -- argon2id; empty: none yet
    totp TEXT NOT NULL DEFAULT '' CHECK (length(totp) <= 128 AND totp NOT GLOB '*[^A-Z2-7]*'),
    totp_step INTEGER NOT NULL DEFAULT 0 CHECK (totp_step >= 0),
    admin INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1)),
    memberships TEXT CHECK (memberships IS NULL
        OR length(CAST(memberships AS BLOB)) <= 65536
        AND CASE WHEN json_valid(memberships) THEN json_type(memberships) = 'array' ELSE 0 END),
    payload_id TEXT NOT NULL DEFAULT '' CHECK (length(CAST(payload_id AS BLOB)) <= 200),
    created_ms INTEGER NOT NULL,
    signed_in_ms INTEGER NOT NULL DEFAULT 0 CHECK (signed_in_ms >= 0)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_by_payload_id ON users (payload_id) WHERE payload_id <> '';

-- Secrets that stand for a person until they expire, by their hash: personal, short lived, and in no copy.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 64 AND id NOT GLOB '*[^0-9a-f]*'),
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE, -- NULL: whoever sets the installation up
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3), -- signed in, invitation, reset, set-up
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL CHECK (seen_ms >= 0),
    expires_ms INTEGER NOT NULL CHECK (expires_ms >= 0),
    CHECK ((user_id IS NULL) = (kind = 3))
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_time ON sessions (expires_ms);

-- Erasure -----------------------------------------------------------------------------------------------------

-- What is to be erased, and then the receipt, which outlives what it names.
CREATE TABLE erasures (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64 AND id NOT GLOB '*[^A-Za-z0-9_-]*'),
    tenant_id TEXT NOT NULL CHECK (length(tenant_id) BETWEEN 1 AND 64 AND tenant_id NOT GLOB '*[^A-Za-z0-9_-]*'),
    site_id TEXT NOT NULL DEFAULT '' -- empty: the whole tenant
        CHECK (length(site_id) <= 64 AND site_id NOT GLOB '*[^A-Za-z0-9_-]*'),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 4), -- site, tenant, path, event, property
    value TEXT NOT NULL DEFAULT '' CHECK (length(CAST(value AS BLOB)) <= 2000),
    actor TEXT NOT NULL CHECK (length(CAST(actor AS BLOB)) BETWEEN 1 AND 300),
    asked_ms INTEGER NOT NULL CHECK (asked_ms >= 0),
    due_ms INTEGER NOT NULL CHECK (due_ms >= 0),
    done_ms INTEGER NOT NULL DEFAULT 0 CHECK (done_ms >= 0), -- 0: not yet
    rows TEXT CHECK (rows IS NULL
        OR length(CAST(rows AS BLOB)) <= 65536
        AND CASE WHEN json_valid(rows) THEN json_type(rows) = 'object' ELSE 0 END),
    nodes TEXT CHECK (nodes IS NULL
        OR length(CAST(nodes AS BLOB)) <= 65536
        AND CASE WHEN json_valid(nodes) THEN json_type(nodes) = 'object' ELSE 0 END),
    CHECK ((site_id = '') = (kind = 1)),
    CHECK (CASE WHEN value = '' THEN kind < 2 OR done_ms > 0 ELSE kind >= 2 END)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_tenant ON erasures (tenant_id, id);
CREATE INDEX erasures_by_done ON erasures (done_ms);

-- What keeps it right -----------------------------------------------------------------------------------------

-- Who comes later under a tenant's name is somebody else: nobody keeps a right of the one that is gone.
CREATE TRIGGER tenants_members_on_delete AFTER DELETE ON tenants
BEGIN
    UPDATE users
    SET memberships = (SELECT json_group_array(json(m.value)) FROM json_each(users.memberships) m
        WHERE json_extract(m.value, '$.tenantId') IS NOT old.id)
    WHERE EXISTS (SELECT 1 FROM json_each(users.memberships) m
        WHERE json_extract(m.value, '$.tenantId') = old.id);
END;

-- Only what is done is news for logs and caches; what nodes then note in the receipt is nobody's.
CREATE TRIGGER erasures_seen_on_insert AFTER INSERT ON erasures WHEN new.done_ms > 0
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER erasures_seen_on_update AFTER UPDATE ON erasures WHEN new.done_ms <> old.done_ms
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER erasures_seen_on_delete AFTER DELETE ON erasures WHEN old.done_ms > 0
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;

CREATE TRIGGER links_seen_on_insert AFTER INSERT ON links
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER links_seen_on_update AFTER UPDATE ON links
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER links_seen_on_delete AFTER DELETE ON links
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;

CREATE TRIGGER installation_seen_on_insert AFTER INSERT ON installation
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER installation_seen_on_update AFTER UPDATE ON installation
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
CREATE TRIGGER installation_seen_on_delete AFTER DELETE ON installation
BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'directory';
END;
