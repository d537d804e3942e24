// The status page in a real browser: what it shows, what it complains of, whether it lives, how the keyboard fares.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const { url, token, browser } = JSON.parse(await new Response(process.stdin).text());
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const running = await chromium.launch({ executablePath: browser, args: quiet });
const found = { complaints: [], hosts: [], barriers: [] };
try {
  const context = await running.newContext({
    httpCredentials: { username: "any", password: token }, viewport: { width: 400, height: 800 }, colorScheme: "dark",
  });
  const page = await context.newPage();
  page.on("console", (message) => found.complaints.push(message.text()));
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  page.on("request", (request) => found.hosts.push(new URL(request.url()).host));
  // What keeps people out, as axe-core finds it; said as rule and place.
  const judge = async () => {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    found.barriers.push(...violations.flatMap((one) => one.nodes.map((node) => `${one.impact} ${one.id}: ${node.html}`)));
  };
  const text = (selector) => page.locator(selector).allInnerTexts();
  await page.goto(url);
  await page.locator("#live.on").waitFor();
  found.before = await text("#uploads tr");
  process.stdout.write("looking\n"); // now something may change
  await page.locator("#uploads", { hasText: "completed" }).waitFor();
  Object.assign(found, {
    uploads: await text("#uploads tr"), sources: await text("#sources tr"), endpoints: await text("#endpoints tr"),
    events: await text("#events tr"), bold: await page.locator("main b").count(),
    width: await page.evaluate(() => document.documentElement.scrollWidth),
    ground: await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
  });
  for (const look of [{ colorScheme: "dark" }, { colorScheme: "light" }]) {
    await page.emulateMedia(look);
    await judge();
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await judge();
  found.latency = await page.locator("#endpoints svg polyline").count();
  await page.setViewportSize({ width: 400, height: 800 });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.keyboard.press("Tab");
  while (await page.evaluate(() => document.activeElement.tagName !== "BUTTON")) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#course > li ul li").first().waitFor();
  found.story = (await text("#story"))[0];
  await judge();
  await page.keyboard.press("Escape");
  found.open = await page.locator("#story").evaluate((dialog) => dialog.open);
} finally {
  await running.close();
}
found.hosts = [...new Set(found.hosts)];
process.stdout.write(JSON.stringify(found));
