// calls.mjs URL WIDTH SECONDS: calls of the API over an agent with WIDTH sockets; prints the calls a second.
import http from "node:http";

const [url, width, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const agent = new http.Agent({ keepAlive: true, maxSockets: width });
const headers = { "Content-Type": "application/json", Accept: "application/json" };

function call(params) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(params);
    const request = http.request(url, {
      agent, method: "POST", headers: { ...headers, "Content-Length": Buffer.byteLength(body) },
    }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve(JSON.parse(Buffer.concat(parts))));
    });
    request.on("error", reject);
    request.end(body);
  });
}

let calls = 0;
const begun = performance.now();
const end = begun + seconds * 1000;
async function run(number) {
  while (performance.now() < end) {
    const answer = await call({ client_id: number, state_id: 38 });
    if (answer.status !== "success") throw new Error("refused");
    calls++;
  }
}
await Promise.all(Array.from({ length: width }, (_, i) => run(i + 1)));
console.log(Math.round(calls / ((performance.now() - begun) / 1000)));
process.exit(0);
