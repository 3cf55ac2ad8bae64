-- What is known of each partition (a share of the sites; base/position.h).
--
-- `commits` grows with every commit that touches the partition, and with every change of tenants, sites, settings and
-- tokens: caches compare it. Everything of the partition up to as_of_ms is counted; counters.as_of is the least of all,
-- where programs that know only the first schema read it, and write it.

CREATE TABLE partitions (
    partition INTEGER NOT NULL PRIMARY KEY CHECK (partition BETWEEN 0 AND 15),
    commits INTEGER NOT NULL,
    as_of_ms INTEGER NOT NULL
) STRICT;

INSERT INTO partitions (partition, commits, as_of_ms)
SELECT p.value, 0, c.value
FROM json_each('[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]') p, counters c WHERE c.name = 'as_of';

CREATE TRIGGER counters_as_of_on_insert AFTER INSERT ON counters WHEN new.name = 'as_of'
BEGIN
    UPDATE partitions SET as_of_ms = new.value WHERE as_of_ms < new.value;
END;
CREATE TRIGGER counters_as_of_on_update AFTER UPDATE OF value ON counters WHEN new.name = 'as_of'
BEGIN
    UPDATE partitions SET as_of_ms = new.value WHERE as_of_ms < new.value;
END;

CREATE TRIGGER counters_directory_on_insert AFTER INSERT ON counters WHEN new.name = 'directory'
BEGIN
    UPDATE partitions SET commits = commits + 1;
END;
CREATE TRIGGER counters_directory_on_update AFTER UPDATE OF value ON counters WHEN new.name = 'directory'
BEGIN
    UPDATE partitions SET commits = commits + 1;
END;

-- The copies whose rows are in here (`abacus import`, `abacus restore`), so that the same one is not imported twice.
CREATE TABLE copies (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    made_ms INTEGER NOT NULL,
    loaded_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
