-- What people note of a site's date, so that whoever looks at its graph knows why.
--
-- A program that knows only the schemas before goes on beside this one: it counts the same numbers, and a site that it
-- removes or erases takes its annotations along. A copy that it makes has none of them, and it can load none here: a
-- copy is loaded by a program that knows all tables.

INSERT INTO migrations (number, works_from) VALUES (5, 4);

-- The id is the site's, a slash and the date, so that a site's stand side by side in the order of their dates and a
-- date has one. No control characters.
CREATE TABLE annotations (
    id text COLLATE "C" PRIMARY KEY CHECK (id = site_id || right(id, 11)
        AND id ~ '/[0-9]{4}-[01][0-9]-[0-3][0-9]$'),
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    site_id text COLLATE "C" NOT NULL REFERENCES analytics_settings (site_id) ON DELETE CASCADE,
    text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 80
        AND text !~ '[\u0001-\u001f\u007f-\u009f]')
);
CREATE INDEX annotations_by_tenant ON annotations (tenant_id, id);
CREATE INDEX annotations_by_site ON annotations (site_id);

-- A role of a node that reads or changes what people manage does so here, too.
DO $$
DECLARE
    held record;
BEGIN
    FOR held IN SELECT a.grantee, a.privilege_type FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
                WHERE c.oid = 'analytics.links'::regclass AND a.grantee <> c.relowner
                      AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
    LOOP
        EXECUTE format('GRANT %s ON analytics.annotations TO %s', held.privilege_type,
                       CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE held.grantee::regrole::text END);
    END LOOP;
END
$$;
