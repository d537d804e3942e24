// The status page in a real browser: what it shows, what it complains of, whether it lives, how the keyboard fares.
import { chromium } from "playwright-core";

const { url, token, browser } = JSON.parse(await new Response(process.stdin).text());
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const running = await chromium.launch({ executablePath: browser, args: quiet });
const found = { complaints: [], hosts: [] };
try {
  const context = await running.newContext({
    httpCredentials: { username: "any", password: token }, viewport: { width: 400, height: 800 }, colorScheme: "dark",
  });
  const page = await context.newPage();
  page.on("console", (message) => found.complaints.push(message.text()));
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  page.on("request", (request) => found.hosts.push(new URL(request.url()).host));
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
  await page.keyboard.press("Tab");
  while (await page.evaluate(() => document.activeElement.tagName !== "BUTTON")) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#course > li ul li").first().waitFor();
  found.story = (await text("#story"))[0];
  await page.keyboard.press("Escape");
  found.open = await page.locator("#story").evaluate((dialog) => dialog.open);
} finally {
  await running.close();
}
found.hosts = [...new Set(found.hosts)];
process.stdout.write(JSON.stringify(found));
