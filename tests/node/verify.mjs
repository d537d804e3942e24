// Reads [{secret, headers, body}] from standard input, the body in base64, and judges each as a receiver would:
// prints [null or the complaint] in the same order.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

function judge({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
    return null;
  } catch (error) {
    return error.name + ": " + error.message;
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(judge)));
