-- What people note of a site's date, so that whoever looks at its graph knows why.

-- The id is the site's, a slash and the date, so that a site's stand side by side in the order of their dates and a
-- date has one. No control characters.
CREATE TABLE annotations (
    id TEXT NOT NULL PRIMARY KEY CHECK (id = site_id || substr(id, -11)
        AND id GLOB '*/[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    site_id TEXT NOT NULL REFERENCES analytics_settings (site_id) ON DELETE CASCADE,
    text TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 80
        AND text NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*')
) STRICT, WITHOUT ROWID;
CREATE INDEX annotations_by_tenant ON annotations (tenant_id, id);
CREATE INDEX annotations_by_site ON annotations (site_id);
