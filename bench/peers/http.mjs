// Node.js: a webhook decoded and handled, nothing stored. Prints its address when it listens.
import http from "node:http";

function handle(event) {
  if (!event.message || !event.client.id) throw new Error("no message");
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    try {
      handle(JSON.parse(parts.length === 1 ? parts[0] : Buffer.concat(parts)));
      response.writeHead(200, { "Content-Length": 2 }).end("ok");
    } catch {
      response.writeHead(400, { "Content-Length": 0 }).end();
    }
  });
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`ready at http://127.0.0.1:${server.address().port}`);
});
