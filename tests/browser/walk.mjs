// Walks every page of a real server with a real browser: `node walk.mjs PROGRAM [FOLDER-FOR-PICTURES]`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { Stage, canary, until } from "./stage.mjs";

const [program, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// The browser says itself that it got the status that a missing page has.
const isAboutStatus = (complaint) => /status of 404/.test(complaint);
const wide = { width: 1280, height: 900 };
const ids = (application, count) => Array.from({ length: count }, (_, index) => `${application}:dev:8081:${index + 1}e5f`);

const stage = await Stage.start(program);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Root has no sandbox; pages here are our own.
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});
let failures = 0;
try {
  const pages = await prepare();
  await part("every page, light and dark, wide and narrow", () => each(pages));
  await part("every page without a script", () => plain(pages));
  if (pictures) await part("pictures", () => paint(pages));
  await part("a push while somebody reads", push);
  await part("keys", keys);
  await part("a pin, without a script and with one", pin);
  await part("a server that goes away and comes back", away);
} finally {
  await browser.close();
  await stage.end();
}
process.exitCode = failures ? 1 : 0;

async function part(name, walk) {
  try {
    await walk();
    console.log(`ok      ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
}

// A fleet where something went wrong.
async function prepare() {
  const first = stage.git("rev-parse", "HEAD");
  await stage.serves(first);
  for (const [application, count] of [["orders", 24], ["payments", 12], ["shipping", 6]]) {
    for (const id of ids(application, count)) {
      await stage.read(application, id);
      await stage.report(application, id, first);
    }
  }
  const second = stage.push("raise the limit", { "orders.yml": `limit: 40\npassword: ${canary}\n`, "broken.yml": "pool: small\n  max: 40\n" });
  await stage.serves(second);
  for (const [index, id] of ids("orders", 24).entries()) {
    await stage.report("orders", id, second, index > 20 ? "`limit`: at most 32 on this host (orders.yml:1:8)" : null);
  }
  await until("a refresh", async () => (await (await stage.get("/_/api/refreshes")).json()).refreshes.some((one) => one.told.length));
  const { refreshes } = await (await stage.get("/_/api/refreshes")).json();
  const { id } = refreshes.find((one) => one.told.length);
  return ["/_/", "/_/instances", "/_/instances?state=rejected", `/_/instances/${ids("orders", 24)[22]}`, "/_/refreshes", `/_/refreshes/${id}`, "/_/quarantine", "/_/delivery", "/_/search?q=orders", "/_/apps/orders/dev?show=shadowed", "/_/apps/orders/dev/key?key=limit", "/_/apps/orders/dev/history", `/_/diff?from=orders/dev@${first}&to=orders/dev@${second}`, "/_/diff", "/_/refresh", "/_/pin?application=orders", "/_/nowhere"];
}

// A page whose every word and request is watched.
async function watched(options) {
  const context = await browser.newContext({ viewport: wide, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(stage.url)) complaints.push(`asks ${request.url()}`);
  });
  return { context, page, complaints };
}

async function each(pages) {
  for (const colorScheme of ["light", "dark"]) {
    const { context, page, complaints } = await watched({ colorScheme });
    await page.addInitScript(axe);
    for (const path of pages) {
      await page.goto(stage.url + path);
      assert.ok(!(await page.content()).includes(canary), `${path} shows a value`);
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      const told = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
      assert.deepEqual(told, [], `${path} in ${colorScheme}`);
      // 1280 points at 400 %.
      await page.setViewportSize({ width: 320, height: 640 });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(beyond, 0, `${path} scrolls sideways`);
      const { violations: narrow } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag22aa"] }));
      assert.deepEqual(narrow.map((one) => `${one.id}: ${one.nodes[0].html}`), [], `${path} narrow in ${colorScheme}`);
      await page.setViewportSize(wide);
    }
    assert.deepEqual(complaints.filter((complaint) => !isAboutStatus(complaint)), []);
    await context.close();
  }
}

async function plain(pages) {
  const { context, page, complaints } = await watched({ javaScriptEnabled: false });
  for (const path of pages) {
    await page.goto(stage.url + path);
    assert.ok(await page.locator("h1").isVisible(), path);
    assert.ok(await page.locator("#reload").isVisible(), `${path} cannot be read again`);
    assert.ok(await page.locator("#tools").isHidden(), `${path} offers what needs a script`);
  }
  await page.goto(stage.url + "/_/");
  await page.fill("#search", "payments");
  await page.press("#search", "Enter");
  await page.getByRole("link", { name: "payments/dev" }).click();
  assert.ok(page.url().includes("application=payments"), page.url());
  assert.deepEqual(complaints.filter((complaint) => !isAboutStatus(complaint)), []);
  await context.close();
}

async function push() {
  const { context, page, complaints } = await watched();
  await page.goto(stage.url + "/_/");
  await until("the dot", () => page.locator("#dot.on").isVisible());
  const third = page.locator("#fleet tbody tr").nth(2).locator("th a");
  await third.focus();
  const order = () => page.locator("#fleet tbody th").allTextContents();
  const before = { order: await order(), text: await third.textContent(), at: await third.boundingBox() };
  const sentence = await page.locator("#sentence").textContent();
  const commit = stage.push("a third limit", { "orders.yml": `limit: 30\npassword: ${canary}\n` });
  await stage.serves(commit);
  for (const id of ids("orders", 24)) await stage.report("orders", id, commit);
  await until("another sentence", async () => (await page.locator("#sentence").textContent()) !== sentence);
  await until("all of them live", async () => (await page.locator("#fleet tbody tr").first().textContent()).includes("24"));
  assert.deepEqual(await order(), before.order);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), before.text);
  await until("the sentence read aloud", async () => (await page.locator("#said").textContent()).length > 0);
  assert.deepEqual(complaints, []);
  await context.close();
}

async function keys() {
  const { context, page } = await watched();
  await page.goto(stage.url + "/_/");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("?");
  assert.ok(await page.locator("#keys").isVisible());
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  await page.keyboard.type("a/b");
  assert.equal(await page.inputValue("#search"), "a/b");
  await page.keyboard.press("Escape");
  await page.locator("#search").blur();
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "orders/dev");
  await page.keyboard.press("t");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.waitForURL("**/_/refreshes");
  await page.keyboard.press("?");
  await page.uncheck("#single");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.notEqual(await page.evaluate(() => document.activeElement.id), "search");
  await context.close();
}

async function pin() {
  const commit = stage.git("rev-parse", "HEAD");
  for (const javaScriptEnabled of [false, true]) {
    const { context, page, complaints } = await watched({ javaScriptEnabled });
    await page.goto(stage.url + "/_/");
    await page.getByRole("link", { name: "Pin…" }).click();
    await page.getByLabel("Application", { exact: true }).fill("payments");
    await page.getByLabel("Commit", { exact: true }).fill(commit.slice(0, 10));
    await page.getByLabel("Reason").fill("INC-812");
    await page.getByLabel("Your name").fill("Jo Lind");
    await page.getByRole("button", { name: "Pin" }).click();
    await page.waitForURL("**/_/");
    assert.ok((await page.locator("#looks-part").textContent()).includes("by Jo Lind (not proved): INC-812"));
    await page.getByRole("link", { name: /let go/ }).click();
    await page.getByLabel("Reason").fill("mended");
    await page.getByLabel("Your name").fill("Jo Lind");
    await page.getByRole("button", { name: "Let go" }).click();
    await page.waitForURL("**/_/");
    assert.ok(!(await page.locator("#looks-part").textContent()).includes("INC-812"));
    assert.deepEqual(complaints, []);
    await context.close();
  }
}

async function away() {
  const { context, page } = await watched();
  await page.goto(stage.url + "/_/");
  await until("the dot", () => page.locator("#dot.on").isVisible());
  await stage.stop();
  await until("that it is gone", async () => (await page.locator("#dot-word").textContent()).includes("since"), 10);
  await stage.serve(stage.port);
  const commit = stage.push("meanwhile", { "orders.yml": "limit: 20\n" });
  await stage.serves(commit);
  await until("the dot again", () => page.locator("#dot.on").isVisible());
  await until("what happened meanwhile", async () => (await page.locator("main").textContent()).includes(commit.slice(0, 7)));
  await context.close();
}

async function paint(pages) {
  const commit = stage.push("raise it again", { "orders.yml": `limit: 60\npassword: ${canary}\nhttp:\n  read-timeout: 5s\n` });
  await stage.serves(commit);
  for (const [index, id] of ids("orders", 24).entries()) {
    await stage.report("orders", id, commit, index > 20 ? "`limit`: at most 32 on this host (orders.yml:1:8)" : null);
  }
  const refresh = pages.find((path) => /refreshes\/./.test(path));
  for (const [name, path, colorScheme] of [["overview", "/_/", "light"], ["application", "/_/apps/orders/prod?show=shadowed", "dark"], ["refresh", refresh, "light"]]) {
    const { context, page } = await watched({ colorScheme, timezoneId: "UTC", locale: "en-GB" });
    await page.goto(stage.url + path);
    await page.screenshot({ path: `${pictures}/${name}.png` });
    await context.close();
  }
}
