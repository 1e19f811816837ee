// Checks the OpenAPI document, and answers of the sandbox against it:
//
//   node tools/openapi/check.mjs docs/openapi.json [ANSWERS]
//
// ANSWERS has one JSON object a line: {action, status, answer}, and `mismatch` where the sandbox itself
// found that an answer is not what the action table says. Prints what is wrong and counts what it checked.
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";

const [path, answersPath] = process.argv.slice(2);
const document = JSON.parse(readFileSync(path, "utf8"));
let passed = 0;
const problems = [];

function check(good, problem) {
  if (good) passed += 1;
  else problems.push(problem());
}

// The document itself.
const validator = new Validator();
const result = await validator.validate(structuredClone(document));
check(result.valid, () => `${path}: ${JSON.stringify(result.errors, null, 2)}`);
check(validator.version === "3.1", () => `${path}: is OpenAPI ${validator.version}, not 3.1`);

// Its schemas, by a validator that refuses what it does not know.
const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true, allErrors: true });
ajv.addVocabulary(Object.keys(document));
ajv.addSchema({ $id: "doc", ...document }, undefined, false, false);

function schemaAt(...names) {
  const pointer = names.map((name) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
  return ajv.getSchema(`doc#/${pointer}`);
}

for (const name of Object.keys(document.components.schemas)) {
  let problem, validate;
  try { validate = schemaAt("components", "schemas", name); } catch (error) { problem = error; }
  check(!problem, () => `components/schemas/${name}: ${problem.message}`);
  check(validate && !validate(42), () => `components/schemas/${name}: takes the number 42`);
}

// Where the schema of an answer stands.
function placeOf(action, status, answer) {
  const names = ["paths", `/api/{api_key}/${action}`, "post", "responses", String(status)];
  let response = document.paths[names[1]]?.post.responses[status];
  if (!response) return undefined;
  if (response.$ref) {
    const name = response.$ref.split("/").pop();
    names.splice(0, names.length, "components", "responses", name);
    response = document.components.responses[name];
  }
  const media = typeof answer === "string" && response.content["text/plain"] ? "text/plain" : "application/json";
  return [...names, "content", media, "schema"];
}

function checkAnswer({ action, status, answer, mismatch }) {
  const where = `${action} answered ${status}`;
  if (mismatch) return check(false, () => `${where}: ${mismatch}: ${JSON.stringify(answer)}`);
  if (answer === undefined || !document.paths[`/api/{api_key}/${action}`]) return undefined;
  const place = placeOf(action, status, answer);
  if (!place) return check(false, () => `${where}: the document has no such status`);
  const validate = schemaAt(...place);
  return check(validate(answer), () => `${where}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(answer)}`);
}

if (answersPath) {
  const succeeded = new Set();
  for (const line of readFileSync(answersPath, "utf8").split("\n").filter(Boolean)) {
    const entry = JSON.parse(line);
    if (entry.status === 200) succeeded.add(entry.action);
    checkAnswer(entry);
  }
  for (const name of Object.keys(document.paths)) {
    const action = name.split("/").pop();
    check(succeeded.has(action), () => `${action}: no test made the sandbox answer 200`);
  }
}

for (const problem of problems) console.error(problem);
console.log(`openapi: ${passed} passed, ${problems.length} failed`);
process.exit(problems.length ? 1 : 0);
