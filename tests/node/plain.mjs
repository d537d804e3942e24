// Judges requests as a receiver in JavaScript would, on what Node.js brings along. Reads one a line: the key, webhook-id,
// webhook-timestamp, webhook-signature and, in base64, the body, with tabs between them. Prints a line for each.
import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { createInterface } from "node:readline";

const ED25519 = Buffer.from("302a300506032b6570032100", "hex"); // what stands before a public key in its DER, by RFC 8410

function judge(key, id, timestamp, signatures, body) {
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return "not of now";
  const [kind, encoded] = key.split("_");
  const bytes = Buffer.from(encoded, "base64");
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  for (const element of signatures.split(" ")) {
    const [scheme, text] = element.split(",");
    if (fits(`${kind} ${scheme}`, bytes, content, Buffer.from(text, "base64"))) {
      JSON.parse(body);
      return "good";
    }
  }
  return "not signed by this key";
}

function fits(scheme, key, content, signature) {
  if (scheme === "whsec v1") {
    const ours = createHmac("sha256", key).update(content).digest();
    return ours.length === signature.length && timingSafeEqual(ours, signature);
  }
  if (scheme === "whpk v1a") {
    const known = createPublicKey({ key: Buffer.concat([ED25519, key]), format: "der", type: "spki" });
    return verify(null, content, known, signature);
  }
  return false;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [body, ...heads] = line.split("\t").reverse();
  console.log(judge(...heads.reverse(), Buffer.from(body, "base64")));
}
