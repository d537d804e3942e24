// Reads [{headers, body}] from standard input, the body in base64, and reads each as a CloudEvent as a receiver would:
// prints what it says, [{id, source, ..., data}], in the same order.
import { readFileSync } from "node:fs";
import { HTTP } from "cloudevents";

const read = ({ headers, body }) => HTTP.toEvent({ headers, body: Buffer.from(body, "base64").toString("utf8") });

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(read)));
