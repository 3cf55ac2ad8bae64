-- Tenants with limits and settings of their own, people, shared links, and what is to be erased.
--
-- A program that knows only the schemas before would count other numbers than one that knows this, and keep them for
-- another time: of a site that sets no goals or no days of its own it does not see those of its tenant. And it would
-- write rows of a site again that was erased, from a log that it does not know how to forget in. So none counts from
-- here on: it loses its leases and gets no others. It goes on tracking, with the settings that it knows, and its
-- readers read what they know; what it adds to tables that are here already is complete without the new columns. It
-- does not start again beside this schema, since it would track sites that are to be erased, and answer for them.
--
-- Rights. The tables here are granted only to who reads the directory already (below). `users` (passwords, second
-- factors) and `sessions` are granted to nobody, and a role for reports (abacus_reader, see postgres-001.sql) must
-- never read them, nor `links` (passwords) and `erasures` (what was not to be kept): whoever grants on all tables takes
-- these four back. A node that answers with a role of its own, and that people sign in to, reads the first two as well:
--
--     GRANT SELECT ON users, sessions TO ...;
--
-- Where people come from Payload, which keeps its sessions in a table of the same database, the server's role reads
-- that one:
--
--     GRANT USAGE ON SCHEMA public TO abacus;
--     GRANT SELECT ON public.users_sessions TO abacus;

INSERT INTO migrations (number, works_from) VALUES (4, 4);

-- A transaction of the job that waits here finds another epoch when it goes on. The locks that others wait for follow
-- in the order in which a copy takes them.
LOCK TABLE leases IN EXCLUSIVE MODE;
UPDATE leases SET holder = NULL, epoch = epoch + 1, until = '-infinity';

-- A JSON object, at most 65536 bytes when written without spaces (of which those within strings stay).
CREATE FUNCTION is_object(object jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT jsonb_typeof(object) = 'object'
           AND octet_length(regexp_replace(object::text, '("([^"\\]|\\.)*")| ', '\1', 'g')) <= 65536
$$;

-- Tenants and sites -------------------------------------------------------------------------------------------

-- 0: no limit. `settings` is what AnalyticsSettings has, for those sites that set no value of their own. erase_ms: when
-- it is to be erased; 0: it is not.
ALTER TABLE tenants
    ADD COLUMN events_per_second bigint NOT NULL DEFAULT 0 CHECK (events_per_second BETWEEN 0 AND 1000000000),
    ADD COLUMN events_per_month bigint NOT NULL DEFAULT 0 CHECK (events_per_month BETWEEN 0 AND 1000000000000),
    ADD COLUMN sites_max bigint NOT NULL DEFAULT 0 CHECK (sites_max BETWEEN 0 AND 1000000),
    ADD COLUMN reads_per_minute bigint NOT NULL DEFAULT 600 CHECK (reads_per_minute BETWEEN 0 AND 1000000),
    ADD COLUMN embed_origins jsonb CHECK (analytics.is_list(embed_origins)),
    ADD COLUMN settings jsonb CHECK (analytics.is_object(settings)),
    ADD COLUMN erase_ms bigint NOT NULL DEFAULT 0 CHECK (erase_ms >= 0);

-- pinned: names of settings that are the site's own although they are what it would have by default.
ALTER TABLE analytics_settings
    ADD COLUMN public_dashboard boolean NOT NULL DEFAULT false,
    ADD COLUMN public_metrics jsonb CHECK (analytics.is_list(public_metrics)),
    ADD COLUMN events_per_month bigint NOT NULL DEFAULT 0 CHECK (events_per_month BETWEEN 0 AND 1000000000000),
    ADD COLUMN pinned jsonb CHECK (analytics.is_list(pinned)),
    ADD COLUMN erase_ms bigint NOT NULL DEFAULT 0 CHECK (erase_ms >= 0);

ALTER TABLE tokens ADD COLUMN name text NOT NULL DEFAULT '' CHECK (octet_length(name) <= 200);

-- Whose line it is, who may read it; empty: the installation's.
ALTER TABLE audit_log ADD COLUMN tenant_id text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX audit_log_by_tenant ON audit_log (tenant_id, id);

-- What a tenant has used of a month, without a look at everybody's. No update of a row touches it.
CREATE INDEX ledger_by_tenant ON ledger (tenant_id, day);

-- A shared link to one site's dashboard; what opens it is signed with the signing key.
CREATE TABLE links (
    id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    site_id text COLLATE "C" NOT NULL REFERENCES analytics_settings (site_id) ON DELETE CASCADE,
    name text NOT NULL DEFAULT '' CHECK (octet_length(name) <= 200),
    password text NOT NULL DEFAULT '' CHECK (octet_length(password) <= 128), -- argon2id; empty: none
    created_ms bigint NOT NULL,
    expires_ms bigint NOT NULL DEFAULT 0 CHECK (expires_ms >= 0) -- 0: never
);
CREATE INDEX links_by_tenant ON links (tenant_id, id);
CREATE INDEX links_by_site ON links (site_id);

-- What the installation sets for all sites, in its only row.
CREATE TABLE installation (
    id text COLLATE "C" PRIMARY KEY CHECK (id = 'installation'),
    settings jsonb CHECK (analytics.is_object(settings))
);

-- People ------------------------------------------------------------------------------------------------------

-- The id is the e-mail address. memberships: [{"tenantId":"t5g","role":"manager","sites":["a"]}].
CREATE TABLE users (
    id text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) <= 254
        AND id ~ '^[^]@A-Z[:cntrl:] "(),:;<>[\\]+@[^]@A-Z[:cntrl:] "(),:;<>[\\]+$'),
    name text NOT NULL DEFAULT '' CHECK (octet_length(name) <= 200),
    password text NOT NULL DEFAULT '' CHECK (octet_length(password) <= 128), -- argon2id; empty: none yet
    totp text NOT NULL DEFAULT '' CHECK (octet_length(totp) <= 128), -- base32; empty: no second factor
    totp_step bigint NOT NULL DEFAULT 0 CHECK (totp_step >= 0),
    admin boolean NOT NULL DEFAULT false,
    memberships jsonb CHECK (analytics.is_rules(memberships)),
    payload_id text COLLATE "C" NOT NULL DEFAULT '' CHECK (octet_length(payload_id) <= 200),
    created_ms bigint NOT NULL,
    signed_in_ms bigint NOT NULL DEFAULT 0 CHECK (signed_in_ms >= 0)
);
CREATE UNIQUE INDEX users_by_payload_id ON users (payload_id) WHERE payload_id <> '';
-- Those of a tenant.
CREATE INDEX users_by_membership ON users USING gin (memberships jsonb_path_ops);

-- Secrets that stand for a person until they expire, by their hash: personal, short lived, and in no copy.
CREATE TABLE sessions (
    id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[0-9a-f]{64}$'),
    user_id text COLLATE "C" REFERENCES users (id) ON DELETE CASCADE, -- NULL: whoever sets the installation up
    kind integer NOT NULL CHECK (kind BETWEEN 0 AND 3), -- signed in, invitation, reset, set-up
    created_ms bigint NOT NULL,
    seen_ms bigint NOT NULL CHECK (seen_ms >= 0),
    expires_ms bigint NOT NULL CHECK (expires_ms >= 0),
    CHECK ((user_id IS NULL) = (kind = 3))
) WITH (fillfactor = 80); -- seen_ms moves
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_time ON sessions (expires_ms);

-- Erasure -----------------------------------------------------------------------------------------------------

-- What is to be erased, and then the receipt, which outlives what it names.
CREATE TABLE erasures (
    id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    tenant_id text COLLATE "C" NOT NULL CHECK (tenant_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    site_id text COLLATE "C" NOT NULL DEFAULT '' -- empty: the tenant and all of its sites
        CHECK (site_id ~ '^[A-Za-z0-9_-]{0,64}$'),
    kind integer NOT NULL CHECK (kind BETWEEN 0 AND 4), -- site, tenant, path, event, property
    value text NOT NULL DEFAULT '' CHECK (octet_length(value) <= 2000), -- of the last three, until it is done
    actor text NOT NULL CHECK (octet_length(actor) BETWEEN 1 AND 300),
    asked_ms bigint NOT NULL CHECK (asked_ms >= 0),
    due_ms bigint NOT NULL CHECK (due_ms >= 0),
    done_ms bigint NOT NULL DEFAULT 0 CHECK (done_ms >= 0), -- 0: not yet
    rows jsonb CHECK (analytics.is_object(rows)),
    nodes jsonb CHECK (analytics.is_object(nodes)),
    CHECK ((site_id = '') = (kind = 1)),
    CHECK (CASE WHEN value <> '' THEN kind >= 2 ELSE kind < 2 OR done_ms > 0 END)
);
CREATE INDEX erasures_by_tenant ON erasures (tenant_id, id);
CREATE INDEX erasures_by_done ON erasures (done_ms);

-- What keeps it right -----------------------------------------------------------------------------------------

-- Who comes later under a tenant's name is somebody else: nobody keeps a right of the one that is gone.
CREATE FUNCTION tenants_members() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = analytics, pg_catalog, pg_temp AS $$
BEGIN
    UPDATE users u
    SET memberships = (SELECT coalesce(jsonb_agg(m.value ORDER BY m.n), '[]')
                       FROM jsonb_array_elements(u.memberships) WITH ORDINALITY AS m (value, n)
                       WHERE m.value ->> 'tenantId' IS DISTINCT FROM old.id)
    WHERE u.memberships @> jsonb_build_array(jsonb_build_object('tenantId', old.id));
    RETURN NULL;
END
$$;
CREATE TRIGGER tenants_members AFTER DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION tenants_members();

-- Who is told -------------------------------------------------------------------------------------------------

CREATE TRIGGER links_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON links FOR EACH STATEMENT
    EXECUTE FUNCTION directory_changed();
CREATE TRIGGER installation_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON installation FOR EACH STATEMENT
    EXECUTE FUNCTION directory_changed();
-- Once it is done, logs and caches follow; what nodes then note in the receipt is nobody's news. People and sessions
-- are read when they are asked for.
CREATE TRIGGER erasures_added AFTER INSERT ON erasures FOR EACH ROW WHEN (new.done_ms > 0)
    EXECUTE FUNCTION directory_changed();
CREATE TRIGGER erasures_changed AFTER UPDATE ON erasures FOR EACH ROW WHEN (new.done_ms <> old.done_ms)
    EXECUTE FUNCTION directory_changed();
CREATE TRIGGER erasures_removed AFTER DELETE ON erasures FOR EACH ROW WHEN (old.done_ms > 0)
    EXECUTE FUNCTION directory_changed();

-- A node that may read the tokens and nothing else reads the whole directory, which these are parts of.
DO $$
DECLARE
    reader oid;
BEGIN
    FOR reader IN SELECT a.grantee FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
                  WHERE c.oid = 'analytics.tokens'::regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT SELECT ON analytics.links, analytics.installation, analytics.erasures TO %s',
                       CASE reader WHEN 0 THEN 'PUBLIC' ELSE reader::regrole::text END);
    END LOOP;
END
$$;
