-- The sandbox's tables. Everything belongs to a project; times are milliseconds since 1970.
-- Ids of clients, messages and orders are never used twice (AUTOINCREMENT).

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) STRICT, WITHOUT ROWID;

CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;

CREATE TABLE keys (
  key TEXT PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  permissions INTEGER NOT NULL -- a bit for each permission, see keys.h
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL, -- JSON
  PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE channels (
  id INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  client_type INTEGER NOT NULL,
  group_id ANY NOT NULL, -- as the seed gave it: integer or text
  name TEXT NOT NULL,
  enabled INTEGER NOT NULL DEFAULT 1,
  status INTEGER NOT NULL DEFAULT 1 -- WhatsApp: 0 not started, 1 started, 2 asleep, 3 stopped
) STRICT;
CREATE INDEX channels_by_type ON channels (project, client_type);

CREATE TABLE managers ( -- the employees whom clients are assigned to
  id INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  email TEXT NOT NULL,
  name TEXT
) STRICT;
CREATE UNIQUE INDEX managers_by_email ON managers (project, email);

CREATE TABLE funnels (
  id INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  name TEXT NOT NULL,
  position INTEGER NOT NULL
) STRICT;
CREATE INDEX funnels_by_position ON funnels (project, position);

CREATE TABLE states (
  id INTEGER PRIMARY KEY,
  funnel INTEGER NOT NULL REFERENCES funnels ON DELETE CASCADE,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  outcome INTEGER NOT NULL DEFAULT 0 -- of an order that comes here: 0 active, 1 won, 2 lost
) STRICT;
CREATE INDEX states_by_position ON states (funnel, position);

CREATE TABLE blocks (
  id INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  position INTEGER NOT NULL,
  condition TEXT NOT NULL,
  folded TEXT NOT NULL,     -- the condition without case, for matching
  match INTEGER NOT NULL,   -- 0 exact, 1 contains, 2 first word
  message_type INTEGER NOT NULL DEFAULT 0,
  description TEXT,
  answer TEXT,              -- NULL: the block says nothing
  buttons TEXT,             -- JSON or NULL
  attachments TEXT,         -- JSON or NULL
  variables TEXT,           -- JSON object or NULL
  state INTEGER REFERENCES states ON DELETE SET NULL, -- where the current order goes, or NULL
  pause INTEGER NOT NULL DEFAULT 0 -- 1: the bot then pauses for this client
) STRICT;
CREATE INDEX blocks_by_position ON blocks (project, position);

CREATE TABLE clients (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  client_type INTEGER NOT NULL,
  group_id TEXT NOT NULL,
  platform_id TEXT NOT NULL, -- WhatsApp: digits only
  name TEXT,
  avatar TEXT,
  tag TEXT,
  custom_answer TEXT,
  operator_start_dialog INTEGER,
  block INTEGER,             -- the last block that answered
  paused INTEGER NOT NULL DEFAULT 0,
  manager INTEGER,           -- of managers, or NULL: nobody's
  undeliverable TEXT,        -- why nothing that is sent arrives, or NULL
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX clients_by_platform ON clients (project, platform_id, client_type, group_id);
CREATE INDEX clients_by_project ON clients (project, id);
CREATE INDEX clients_by_manager ON clients (manager) WHERE manager IS NOT NULL;

CREATE TABLE lists (
  id INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  name TEXT
) STRICT;
CREATE INDEX lists_by_project ON lists (project);

CREATE TABLE list_members (
  list INTEGER NOT NULL REFERENCES lists ON DELETE CASCADE,
  client INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
  PRIMARY KEY (list, client)
) STRICT, WITHOUT ROWID;
CREATE INDEX list_members_by_client ON list_members (client);

-- How many clients a project has in each run of ids: level 1 counts runs of 2^10 ids, level 2 runs
-- of 2^20. So a page far down the list of clients is found without a walk to it (pages.h).
CREATE TABLE client_counts (
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  level INTEGER NOT NULL,
  run INTEGER NOT NULL, -- the id shifted right
  count INTEGER NOT NULL,
  PRIMARY KEY (project, level, run)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER clients_counted AFTER INSERT ON clients BEGIN
  INSERT INTO client_counts VALUES (new.project, 1, new.id >> 10, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
  INSERT INTO client_counts VALUES (new.project, 2, new.id >> 20, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER clients_discounted AFTER DELETE ON clients BEGIN
  UPDATE client_counts SET count = count - 1
    WHERE project = old.project AND level = 1 AND run = old.id >> 10;
  UPDATE client_counts SET count = count - 1
    WHERE project = old.project AND level = 2 AND run = old.id >> 20;
  DELETE FROM client_counts
    WHERE project = old.project AND level = 1 AND run = old.id >> 10 AND count = 0;
END;

-- The names of variables. Their rows bear the number, which also tells the project.
CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  name TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX names_by_name ON names (project, name);

-- kind: 0 text, 1 integer, 2 real, 3 boolean, 4 null, 5 array or object.
-- value: an integer where the text of the value is the digits of one; a blob where it is a number all
-- the same ("1.5", "007"), which then is in number; else the text, or the JSON. null: an empty blob.
-- So texts are found by value alone, numbers by value or number, and SQLite's order of types has apart
-- what is no number; see cell.h.
CREATE TABLE variables (
  client INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
  name INTEGER NOT NULL, -- names.id
  kind INTEGER NOT NULL,
  value ANY NOT NULL,
  number ANY,
  PRIMARY KEY (client, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX variables_by_value ON variables (name, value, client);
CREATE INDEX variables_by_number ON variables (name, number, client) WHERE number IS NOT NULL;

CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  client INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
  state INTEGER REFERENCES states ON DELETE SET NULL,
  status INTEGER NOT NULL DEFAULT 0, -- 0 active, 1 won, 2 lost
  name TEXT,
  description TEXT,
  budget TEXT, -- JSON: a number or a text
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_by_client ON orders (client, status, id);

CREATE TABLE order_variables (
  "order" INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE,
  name INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  value ANY NOT NULL,
  number ANY,
  PRIMARY KEY ("order", name)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_variables_by_value ON order_variables (name, value, "order");
CREATE INDEX order_variables_by_number ON order_variables (name, number, "order")
  WHERE number IS NOT NULL;

CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  client INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
  client_replica INTEGER NOT NULL, -- 1: the client wrote it
  from_outside INTEGER NOT NULL,   -- message_from_outside: 0 normal, 1 API, 2 CRM, 3 callback,
                                   -- 5 telephony
  block INTEGER,                   -- message_id: the block that was sent
  created_at INTEGER NOT NULL,
  text TEXT,
  attachments TEXT,                -- JSON array or NULL
  buttons TEXT,                    -- JSON or NULL
  answered INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 1,
  error_message TEXT NOT NULL DEFAULT '',
  manager INTEGER                  -- who wrote it, or NULL
) STRICT;
CREATE INDEX messages_by_client ON messages (client, id);
CREATE INDEX messages_unanswered ON messages (client) WHERE answered = 0;

-- What is put off (timeline.h).
CREATE TABLE timeline (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  client INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
  due_at INTEGER NOT NULL,
  content TEXT NOT NULL -- JSON
) STRICT;
CREATE INDEX timeline_by_due ON timeline (due_at, id);
CREATE INDEX timeline_by_client ON timeline (client);
