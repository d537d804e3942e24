CREATE TABLE attempts (
    delivery   INTEGER NOT NULL REFERENCES deliveries,
    number     INTEGER NOT NULL CHECK (number >= 1),
    started_at REAL    NOT NULL,
    duration   REAL    NOT NULL,
    phases     TEXT    NOT NULL CHECK (json_valid(phases)),           -- seconds that each part of it took
    outcome    TEXT    NOT NULL,
    status     INTEGER,
    note       TEXT    NOT NULL,
    excerpt    TEXT    NOT NULL,                                      -- the beginning of the answer's body
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE budgets (
    name  TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (json_valid(state))
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    name TEXT    PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY,
    event       INTEGER NOT NULL REFERENCES events,
    endpoint    INTEGER NOT NULL REFERENCES endpoints,
    lane        INTEGER,                                              -- NULL: every delivery for itself
    sequence    INTEGER NOT NULL,
    format      TEXT    NOT NULL DEFAULT 'standard',                  -- of the body, as it was wanted at the announcement
    phase       TEXT    NOT NULL DEFAULT 'waiting'
                CHECK (phase = 'waiting' OR phase = 'delivered' OR phase = 'dead' OR phase = 'superseded' OR phase = 'dropped'),
    head        INTEGER NOT NULL CHECK (head IN (0, 1)),              -- the first of its lane: the only one that may go
    due_at      REAL,
    slots       INTEGER NOT NULL DEFAULT 0 CHECK (slots >= 0),        -- places of the schedule used
    attempts    INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created_at  REAL    NOT NULL,
    settled_at  REAL,
    replaced_by INTEGER REFERENCES events,
    cause       TEXT    CHECK (cause IS NULL OR cause IN ('schedule', 'aborted', 'internal', 'left', -- why it was given up
                'unwanted_event', 'unwanted_source', 'unwanted_status', 'unwanted_format')),
    blamed      INTEGER NOT NULL DEFAULT 0 CHECK (blamed IN (0, 1)),  -- its last answer spoke against it, not its endpoint
    dropped_by  TEXT    CHECK (dropped_by <> ''),                     -- who gave it up
    replay      INTEGER REFERENCES replays,                           -- the last one by which it was owed again
    CHECK ((phase = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((phase = 'waiting') = (settled_at IS NULL)),
    CHECK ((phase = 'superseded') = (replaced_by IS NOT NULL)),
    CHECK ((phase = 'dropped') = (dropped_by IS NOT NULL OR (cause IS NOT NULL AND cause LIKE 'unwanted%'))),
    CHECK (head = 0 OR phase = 'waiting'),
    CHECK (cause IS NULL OR phase IN ('dead', 'dropped')),
    UNIQUE (event, endpoint, format)
) STRICT;

CREATE TABLE endpoints (
    number        INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    sequence      INTEGER NOT NULL DEFAULT 0 CHECK (sequence >= 0),   -- events about the endpoint itself
    succeeded_at  REAL,                                               -- the last 2xx, to the minute
    failing_since REAL,                                               -- the first failure after it
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),   -- in a row
    failure       TEXT,                                               -- what came of the last of them, in words
    quiet_until   REAL    NOT NULL DEFAULT 0,                         -- nothing is sent before
    throttles     INTEGER NOT NULL DEFAULT 0 CHECK (throttles >= 0),  -- answers of 429 without a success between
    probe_at      REAL,                                               -- shut off until then, then one at a time
    trips         INTEGER NOT NULL DEFAULT 0 CHECK (trips >= 0),      -- how often shut off without a success between
    ramp          INTEGER CHECK (ramp >= 1),                          -- at once, at most; NULL: as many as it takes
    paused        TEXT    CHECK (paused IN ('failing', 'gone', 'disabled', 'person', 'unpermitted')),
    paused_at     REAL,
    url_digest    TEXT,                                               -- of its URL when it paused
    untold        INTEGER NOT NULL DEFAULT 0 CHECK (untold IN (0, 1)), -- nobody was told of the pause, nor is of its end
    tat           REAL    NOT NULL DEFAULT 0,                         -- of its rate: theoretical arrival time
    left_at       REAL,                                               -- since when the config names it no more
    url           TEXT,                                               -- of a callback; others have theirs in the config
    format        TEXT,
    origin        TEXT,                                               -- scheme, host and port of the URL
    CHECK ((number < 0) = (url IS NOT NULL) AND (url IS NULL) = (format IS NULL) AND (url IS NULL) = (origin IS NULL)),
    UNIQUE (url, format),
    CHECK ((failures = 0) = (failing_since IS NULL)),
    CHECK ((failures = 0) = (failure IS NULL)),
    CHECK ((paused IS NULL) = (paused_at IS NULL)),
    CHECK ((paused IS NULL) = (url_digest IS NULL)),
    CHECK (untold = 0 OR paused IS NOT NULL),
    CHECK (paused IS NULL OR (paused = 'failing') = (probe_at IS NOT NULL)),
    CHECK ((trips = 0) = (probe_at IS NULL OR paused IS NOT NULL))
) STRICT;

CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,                       -- in the log of all events
    id       TEXT    NOT NULL UNIQUE,
    type     TEXT    NOT NULL,
    source   INTEGER REFERENCES sources,                              -- NULL: about an endpoint
    endpoint INTEGER REFERENCES endpoints,                            -- which it is about
    upload   TEXT,                                                    -- its id; NULL: about the source or endpoint itself
    lane     INTEGER NOT NULL,                                        -- the upload's media_id; below 0: see the last check
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    status   TEXT,
    at       REAL    NOT NULL,
    body     BLOB    NOT NULL,                                        -- fixed for every attempt to come
    tasks    TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(tasks)), -- the number of each target, or the upload's own
    UNIQUE (lane, sequence),
    CHECK ((source IS NULL) = (endpoint IS NOT NULL)),
    CHECK (endpoint IS NULL OR upload IS NULL),
    CHECK (CASE
        WHEN upload IS NOT NULL THEN lane BETWEEN 1 AND 2147483647
        WHEN endpoint IS NULL THEN lane = -source
        ELSE lane = -2147483648 - endpoint
    END)
) STRICT;

CREATE TABLE listings (
    source      INTEGER NOT NULL REFERENCES sources,
    collection  TEXT    NOT NULL,
    page        INTEGER NOT NULL DEFAULT 1 CHECK (page >= 1),         -- to be read next
    due_at      REAL    NOT NULL DEFAULT 0,
    baseline_at REAL,                                                 -- when the first complete sweep ended
    swept_at    REAL,                                                 -- when the last one did; NULL: the next must go through
    failures    INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),     -- failed looks at this page in a row
    cursor      TEXT, baseline_pages INTEGER NOT NULL DEFAULT 0 CHECK (baseline_pages >= 0),                                                 -- where the page is, if its number does not tell
    PRIMARY KEY (source, collection)
) STRICT, WITHOUT ROWID;

CREATE TABLE lives (
    source   INTEGER NOT NULL REFERENCES sources,
    class    TEXT    NOT NULL,
    events   TEXT    NOT NULL CHECK (json_valid(events)),
    exposure TEXT    NOT NULL CHECK (json_valid(exposure)),
    PRIMARY KEY (source, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE own_tasks (
    number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 2147483647),
    upload INTEGER NOT NULL                                           -- its media_id
) STRICT;

CREATE TABLE renderings (
    event  INTEGER NOT NULL REFERENCES events,
    format TEXT    NOT NULL CHECK (format <> 'standard'),
    body   BLOB    NOT NULL,
    PRIMARY KEY (event, format)
) STRICT, WITHOUT ROWID;

CREATE TABLE replays (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    event      TEXT,                                                  -- its id; NULL: of all events
    endpoint   INTEGER REFERENCES endpoints,                          -- NULL: of all endpoints
    since      REAL,                                                  -- of events announced then or later; NULL: ever
    phases     TEXT    NOT NULL CHECK (json_valid(phases)),           -- in which a delivery is taken
    latest     INTEGER NOT NULL CHECK (latest IN (0, 1)),             -- 1: the last event of each upload, owed before or not
    up_to      INTEGER NOT NULL,                                      -- the last delivery that there was
    rate       REAL    NOT NULL CHECK (rate > 0),                     -- deliveries a second
    created_at REAL    NOT NULL,
    cursor     INTEGER NOT NULL DEFAULT 0,                            -- the last delivery looked at; if latest, the upload
    count      INTEGER NOT NULL DEFAULT 0 CHECK (count >= 0),         -- deliveries owed again
    done_at    REAL,
    CHECK (endpoint IS NOT NULL OR (event IS NOT NULL AND latest = 0))
) STRICT;

CREATE TABLE sources (
    number        INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    provider      TEXT    NOT NULL,                                   -- that the config last said it is of
    sequence      INTEGER NOT NULL DEFAULT 0 CHECK (sequence >= 0),   -- events about the source itself
    hold_until    REAL    NOT NULL DEFAULT 0,                         -- nothing is asked before: a rest after failures
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),   -- failed looks in a row
    failing_since REAL,
    trouble_code  TEXT,
    trouble_text  TEXT,
    failed        TEXT,                                               -- the question whose failure was reported
    failed_due_at REAL    NOT NULL DEFAULT 0,                         -- when it was to be asked again
    CHECK ((failing_since IS NULL) = (trouble_code IS NULL)),
    CHECK ((failing_since IS NULL) = (trouble_text IS NULL))
) STRICT;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE uploads (
    media_id      INTEGER PRIMARY KEY CHECK (media_id BETWEEN 1 AND 2147483647),
    source        INTEGER NOT NULL REFERENCES sources,
    kind          TEXT    NOT NULL,                                   -- '' until a collection has answered
    id            TEXT    NOT NULL CHECK (id <> ''),
    ref           TEXT,                                               -- the provider module's note on how to ask
    registered    INTEGER NOT NULL CHECK (registered IN (0, 1)),
    labels        TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(labels)),
    followed_at   REAL    NOT NULL,
    sequence      INTEGER NOT NULL DEFAULT 0 CHECK (sequence >= 0),   -- events announced
    snapshot      TEXT    CHECK (snapshot IS NULL OR json_valid(snapshot)), -- the last announced observation, without what is as by default
    open          INTEGER NOT NULL DEFAULT 1 CHECK (open IN (0, 1)),  -- not settled
    changed_at    REAL,
    stalled       INTEGER NOT NULL DEFAULT 0 CHECK (stalled IN (0, 1)),
    misses        INTEGER NOT NULL DEFAULT 0 CHECK (misses >= 0),
    missing_since REAL,
    due_at        REAL,                                               -- when it is asked for by itself, at the latest
    fingerprint   INTEGER,                                            -- of the last row of a list that came to nothing
    batch_fingerprint INTEGER,                                        -- the same of a batch
    unfollowed_at REAL,                                               -- somebody wanted no more of it; only its place is left
    callback      INTEGER REFERENCES endpoints CHECK (callback < 0),  -- who is told of it besides
    CHECK ((misses = 0) = (missing_since IS NULL)),
    CHECK (unfollowed_at IS NULL OR (snapshot IS NULL AND due_at IS NULL AND registered = 0 AND open = 0
        AND callback IS NULL)),
    UNIQUE (source, id, kind)
) STRICT;

CREATE INDEX deliveries_again ON deliveries (endpoint, replay) WHERE phase = 'waiting' AND replay IS NOT NULL;

CREATE INDEX deliveries_called ON deliveries (due_at, endpoint) WHERE head = 1 AND endpoint < 0;

CREATE INDEX deliveries_calls ON deliveries (phase, id) WHERE endpoint < 0;

CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE head = 1;

CREATE UNIQUE INDEX deliveries_head ON deliveries (endpoint, lane) WHERE head = 1;

CREATE INDEX deliveries_lane ON deliveries (endpoint, lane, sequence, id, due_at) WHERE phase = 'waiting';

CREATE INDEX deliveries_over ON deliveries (phase, settled_at) WHERE settled_at IS NOT NULL;

CREATE INDEX deliveries_phase ON deliveries (endpoint, phase);

CREATE INDEX deliveries_replaced ON deliveries (replaced_by) WHERE replaced_by IS NOT NULL;

CREATE INDEX deliveries_replay ON deliveries (replay) WHERE replay IS NOT NULL;

CREATE INDEX deliveries_tried ON deliveries (endpoint) WHERE phase = 'waiting' AND attempts > 0;

CREATE INDEX endpoints_left ON endpoints (left_at) WHERE left_at IS NOT NULL;

CREATE INDEX endpoints_shut ON endpoints (max(quiet_until, coalesce(probe_at, 0)))
    WHERE number < 0 AND (probe_at IS NOT NULL OR quiet_until > 0);

CREATE INDEX events_at ON events (at);

CREATE INDEX events_endpoint ON events (endpoint) WHERE endpoint IS NOT NULL;

CREATE INDEX replays_done ON replays (done_at) WHERE done_at IS NOT NULL;

CREATE INDEX replays_unfinished ON replays (id) WHERE done_at IS NULL;

CREATE INDEX uploads_callback ON uploads (callback) WHERE callback IS NOT NULL;

CREATE INDEX uploads_created ON uploads (coalesce(snapshot->>'created_at', followed_at))
    WHERE coalesce(snapshot->>'status', '') <> 'gone' AND unfollowed_at IS NULL;

CREATE INDEX uploads_due ON uploads (source, due_at) WHERE due_at IS NOT NULL;

CREATE INDEX uploads_first ON uploads (source, due_at) WHERE due_at IS NOT NULL AND snapshot IS NULL;

CREATE INDEX uploads_open ON uploads (source) WHERE open = 1;

CREATE INDEX uploads_resting ON uploads (coalesce(changed_at, followed_at))
    WHERE open = 0 AND due_at IS NULL AND snapshot IS NOT NULL AND snapshot->>'reduced' IS NULL;

CREATE INDEX uploads_status ON uploads (source, snapshot->>'status') WHERE unfollowed_at IS NULL;

CREATE INDEX uploads_unfollowed ON uploads (unfollowed_at) WHERE unfollowed_at IS NOT NULL;

