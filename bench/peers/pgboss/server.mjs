// Node.js with pg-boss on PostgreSQL: a webhook is a job that is stored, answered, and handled from there.
// server.mjs SOCKET-FOLDER USER. Prints its address when it listens; GET /left tells what is not done.
import http from "node:http";
import PgBoss from "pg-boss";

const QUEUE = "events";
const [folder, user] = process.argv.slice(2);
const boss = new PgBoss({ host: folder, user, database: "postgres", max: 32 });
boss.on("error", (error) => console.error(error));

function handle(event) {
  if (!event.message || !event.client.id) throw new Error("no message");
}

async function store(body, response) {
  await boss.send(QUEUE, JSON.parse(body));
  response.writeHead(200, { "Content-Length": 2 }).end("ok");
}

async function tell(response) {
  const { rows } = await boss.getDb().executeSql(
    "SELECT count(*)::int AS left FROM pgboss.job WHERE name = $1 AND state < 'completed'", [QUEUE]);
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(rows[0]));
}

await boss.start();
await boss.createQueue(QUEUE);
// Large batches, asked for as often as pg-boss allows: what it is fastest with.
for (let i = 0; i < 2; i++) {
  await boss.work(QUEUE, { batchSize: 2000, pollingIntervalSeconds: 0.5 }, async (jobs) => {
    for (const job of jobs) handle(job.data);
  });
}

const server = http.createServer((request, response) => {
  const failed = () => response.writeHead(503, { "Content-Length": 0 }).end();
  if (request.method === "GET") return tell(response).catch(failed);
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => store(Buffer.concat(parts), response).catch(failed));
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`ready at http://127.0.0.1:${server.address().port}`);
});
