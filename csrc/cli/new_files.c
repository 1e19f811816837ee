#include "cli/new_files.h"

#include <stddef.h>

static const char bot[] =
    "local mavilua = require \"mavilua\"\n"
    "local host = require \"mavilua.host\"\n"
    "\n"
    "local bot = mavilua.client {} -- key and address come from the environment or from --sandbox\n"
    "\n"
    "-- A client writes: answer. Events of one client run in order, different clients side by side.\n"
    "host.on(\"message\", function(event)\n"
    "  local count = host.kv.incr(\"messages:\" .. event.client_id)\n"
    "  assert(bot:message {\n"
    "    client_id = event.client_id,\n"
    "    message = (\"Hello %s! This is your message number %d: %s\"):format(\n"
    "      event.client.name or \"there\", count, event.text or \"(nothing)\"),\n"
    "  })\n"
    "end)\n"
    "\n"
    "-- Every weekday at nine.\n"
    "host.cron(\"0 9 * * MON-FRI\", { name = \"morning\", timezone = \"UTC\" }, function()\n"
    "  host.log.info(\"good morning\")\n"
    "end)\n";

static const char readme[] =
    "# A bot\n"
    "\n"
    "On this machine, without an account:\n"
    "\n"
    "```\n"
    "mavilua serve --sandbox --watch bot.lua\n"
    "mavilua chat                              # in another terminal\n"
    "```\n"
    "\n"
    "With the platform: copy `.env.example` to `.env`, fill it in, then\n"
    "\n"
    "```\n"
    "set -a; . ./.env; set +a\n"
    "mavilua serve bot.lua\n"
    "```\n"
    "\n"
    "and put `https://your.host/webhook/<the secret>` into *Webhook URL* of the project's settings.\n"
    "`mavilua check bot.lua` tells what the script registers and when its schedules fire.\n";

static const char ignored[] = "*.db\n*.db-shm\n*.db-wal\n*.db.lock\n.env\n";

static const char environment[] =
    "# From the project's settings, under Integrations.\n"
    "MAVILUA_API_KEY=\n"
    "# The platform's address.\n"
    "MAVILUA_BASE_URL=https://chatter.mavibot.ai\n"
    "# Made with: openssl rand -hex 16\n"
    "MAVILUA_WEBHOOK_SECRET=\n"
    "MAVILUA_DB=mavilua.db\n";

const struct mv_new_file mv_new_files[] = {{"bot.lua", bot},
                                           {"README.md", readme},
                                           {".gitignore", ignored},
                                           {".env.example", environment},
                                           {NULL, NULL}};
