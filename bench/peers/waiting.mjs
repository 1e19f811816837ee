// waiting.mjs URL COUNT: so many promises that await a request each; prints "ready at" the address of its server
// when it listens, and "waiting" when all requests are out.
import http from "node:http";

const [url, count] = [process.argv[2], Number(process.argv[3])];
const agent = new http.Agent({ keepAlive: true });
let out = 0;

async function handle(number) {
  await new Promise((resolve, reject) => {
    const body = JSON.stringify({ client_id: number, state_id: 38 });
    const request = http.request(url, {
      agent, method: "POST", headers: { "Content-Type": "application/json", "Content-Length": body.length },
    }, resolve);
    request.on("error", reject);
    request.end(body, () => {
      if (++out === count) console.log("waiting");
    });
  });
}

const server = http.createServer((request, response) => {
  for (let i = 1; i <= count; i++) handle(i).catch(() => process.exit(1));
  response.end("ok");
});
server.listen(0, "127.0.0.1", () => console.log(`ready at http://127.0.0.1:${server.address().port}`));
