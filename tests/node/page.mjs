// The status page in a real browser. Line by line: what is to be done comes in, then "go on" wherever it waits for that.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const heard = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (words) => process.stdout.write(`${words}\n`);
const { url, token, browser, story } = JSON.parse((await heard.next()).value);
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const running = await chromium.launch({ executablePath: browser, args: quiet });
const found = { complaints: [], errors: [], hosts: [], barriers: [], asked: [] };
const context = await running.newContext({
  httpCredentials: { username: "any", password: token }, viewport: { width: 400, height: 800 }, colorScheme: "dark",
});
const page = await context.newPage();
page.on("console", (message) => found.complaints.push(message.text()));
page.on("pageerror", (error) => found.errors.push(String(error)));
page.on("dialog", (dialog) => { found.errors.push(`it says ${dialog.message()}`); dialog.dismiss(); });
page.on("request", (request) => {
  const { host, pathname } = new URL(request.url());
  found.hosts.push(host);
  found.asked.push([pathname, Date.now()]);
});

const text = (selector) => page.locator(selector).allInnerTexts();
const seen = (selector, hasText) => page.locator(selector, { hasText }).first().waitFor();
const gone = (selector, hasText) => page.locator(selector, { hasText }).first().waitFor({ state: "detached" });

async function until(holds) {
  while (!holds()) await page.evaluate(() => new Promise(requestAnimationFrame));
}

async function waits(words) {
  say(words);
  await heard.next();
}

// What keeps people out, as axe-core finds it; said as rule and place.
async function judge() {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  found.barriers.push(...violations.flatMap((one) => one.nodes.map((node) => `${one.impact} ${one.id}: ${node.html}`)));
}

// Until then whoever asks for it gets this instead.
async function instead(path, answer) {
  await page.route(path, answer);
  return () => page.unroute(path);
}

// Looked at again it looks at once.
const comeBack = () => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));

const stories = {
  // What it shows, what it complains of, whether it lives, how the keyboard fares.
  async whole() {
    await page.goto(url);
    await page.locator("#live.on").waitFor();
    found.before = await text("#uploads tr");
    await waits("looking");
    await seen("#uploads", "completed");
    Object.assign(found, {
      uploads: await text("#uploads tr"), sources: await text("#sources tr"), endpoints: await text("#endpoints tr"),
      events: await text("#events tr"), marks: await page.locator("main :is(b, img)").count(),
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
    await page.setViewportSize({ width: 360, height: 800 });
    await page.emulateMedia({ colorScheme: "dark" });
    found.height = Math.min(...await page.locator("button:visible").evaluateAll((all) => all.map((one) => one.clientHeight)));
    await page.keyboard.press("Tab");
    while (await page.evaluate(() => document.activeElement.tagName !== "BUTTON")) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("#course > li ul li").first().waitFor();
    found.story = (await text("#story"))[0];
    found.moments = await page.locator("#course time").evaluateAll((all) => all.map((one) => [one.dateTime, one.title]));
    found.marksOfStory = await page.locator("#story :is(b, img)").count();
    await judge();
    await waits("reading");
    await seen("#story-of", "failed"); // it goes on while it is read
    await seen("#course", "upload.failed");
    await page.keyboard.press("Escape");
    found.open = await page.locator("#story").evaluate((dialog) => dialog.open);
    found.focused = await page.evaluate(() => document.activeElement.textContent);
  },

  // Ids come and go while it is open, one is clicked on that has gone, and events overtake what a look was answered.
  async stale() {
    await page.goto(url);
    await page.locator("#live.on").waitFor();
    const held = [];
    let release = await instead("**/v1/uploads?*", (route) => held.push(() => route.continue()));
    await comeBack();
    await until(() => held.length === 2);
    await waits("looking");
    await page.locator("#uploads button", { hasText: "m1" }).click();
    await seen("#course", "is followed");
    found.said = (await text("#story"))[0];
    await page.keyboard.press("Escape");
    await seen("#events", "upload.queued");
    await Promise.all(held.splice(0).map((answer) => answer()));
    await release();
    await seen("#uploads button", "brand-new");
    found.uploads = await text("#uploads tr");
    await page.locator("#uploads button", { hasText: "m2" }).focus();
    release = await instead("**/v1/*?limit=*", async (route) => {
      const response = await route.fetch();
      const text = (await response.text()).replace('"open":2', '"open":77');
      held.push(() => route.fulfill({ response, body: text }));
    });
    await comeBack();
    await until(() => held.length === 7);
    await waits("looking");
    await seen("#uploads tr", "completed");
    await Promise.all(held.map((answer) => answer()));
    await release();
    await seen("#sources tr", "77"); // now it is shown what that look was answered
    found.after = [...await text("#uploads tr"), ...await text("#events tr")];
    found.focused = await page.evaluate(() => document.activeElement.textContent);
    await gone("#sources tr", "77");
  },

  // The stream is refused: by another than the daemon, then by the daemon; then a look fails.
  async refused() {
    let release = await instead("**/v1/stream?*", (route) => route.fulfill({ status: 502 }));
    await page.goto(url);
    await seen("#live.off", "502");
    found.uploads = await text("#uploads tr");
    await waits("502");
    await release();
    await comeBack();
    await seen("#live.off", "follow already");
    found.said = (await text("#live"))[0];
    await waits("503");
    await page.locator("#live.on").waitFor();
    await waits("live");
    await seen("#events", "upload.completed");
    release = await instead("**/v1/endpoints?*", (route) => route.fulfill({ status: 500 }));
    await comeBack();
    await seen("#live.off", "500");
    found.failing = (await text("#live"))[0];
    await release();
    await comeBack();
    await page.locator("#live.on").waitFor();
    await context.setOffline(true);
    await comeBack();
    await seen("#live.off", "the daemon does not answer");
    await context.setOffline(false);
    await comeBack();
    await page.locator("#live.on").waitFor();
    found.live = (await text("#live"))[0];
  },

  // What is undelivered, and the story of that.
  async owed() {
    await page.goto(url);
    await seen("#deliveries tr", "503");
    found.deliveries = await text("#deliveries tr");
    await page.locator("#deliveries button").first().click();
    await page.locator("#course > li ul li").first().waitFor();
    found.story = (await text("#story"))[0];
    await judge();
    await page.keyboard.press("Escape");
    await waits("seen");
    await seen("#deliveries", "none");
  },

  // More than it shows.
  async many() {
    await page.goto(url);
    await page.locator("#live.on").waitFor();
    Object.assign(found, {
      uploads: await text("#uploads tr"), events: await text("#events tr"), more: await text(".more:visible"),
    });
    await page.locator("#events button", { hasText: "old-1" }).first().click(); // as among the uploads
    await page.locator("#course > li ul li").first().waitFor();
    found.story = await text("#course > li");
    found.moreOfStory = (await text("#more-course"))[0];
    await judge();
    await page.keyboard.press("Escape");
    const looks = () => found.asked.filter(([path]) => path === "/v1/sources").length;
    await until(() => looks() > 1);
    await waits("looking");
    await seen("#uploads tr", /old-0[^]*queued/);
    await until(() => looks() > 2);
  },
};

try {
  await stories[story]();
} finally {
  await running.close();
}
found.hosts = [...new Set(found.hosts)];
say(JSON.stringify(found));
process.exit();
