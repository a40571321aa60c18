// What happens while somebody looks.
import assert from "node:assert/strict";
import { watched } from "./house.mjs";
import { ids } from "./fleet.mjs";
import { Stage, canary, until } from "./stage.mjs";

export async function push(stage) {
  const { context, page, complaints } = await watched(stage, { viewport: { width: 1280, height: 400 } });
  await page.goto(stage.url + "/_/");
  await until("the dot", () => page.locator("#dot.on").isVisible());
  await page.evaluate(() => {
    window.aloud = [];
    new MutationObserver(() => window.aloud.push(document.getElementById("said").textContent)).observe(document.getElementById("said"), { childList: true, characterData: true, subtree: true });
  });
  const third = page.locator("#fleet tbody tr").nth(2).locator("th a");
  await third.focus();
  await page.evaluate(() => scrollTo(0, 200));
  const order = () => page.locator("#fleet tbody th").allTextContents();
  const seen = async () => ({ order: await order(), text: await page.evaluate(() => document.activeElement.textContent), scroll: await page.evaluate(() => scrollY) });
  const [before, at] = [await seen(), await third.boundingBox()];
  const sentence = await page.locator("#sentence").textContent();
  const commit = stage.push("a third limit", { "orders.yml": `limit: 30\npassword: ${canary}\n` });
  await stage.serves(commit);
  for (const id of ids("orders", 24)) await stage.report("orders", id, commit);
  const reported = performance.now();
  await until("another sentence", async () => (await page.locator("#sentence").textContent()) !== sentence);
  await until("all of them live", async () => (await page.locator("#fleet tbody tr").first().textContent()).includes("24"));
  const took = performance.now() - reported;
  assert.deepEqual(await seen(), before);
  assert.ok(Math.abs((await third.boundingBox()).y - at.y) <= 8, "the page jumps");
  await until("the sentence read aloud", async () => (await page.locator("#said").textContent()).length > 0);
  const aloud = await page.evaluate(() => window.aloud.length);
  assert.ok(aloud <= 2, `${aloud} sentences were read aloud`);
  assert.deepEqual(complaints, []);
  await context.close();
  return `counts changed ${Math.round(took)} ms after the last report, read aloud ${aloud} times`;
}

export async function away(stage) {
  const { context, page } = await watched(stage);
  await page.goto(stage.url + "/_/");
  await until("the dot", () => page.locator("#dot.on").isVisible());
  await stage.stop();
  const stopped = performance.now();
  await until("that it is gone", async () => (await page.locator("#dot-word").textContent()).includes("since"), 10);
  const grey = performance.now() - stopped;
  await until("the end of 20 s", () => performance.now() - stopped > 20_000);
  assert.ok(await page.locator("#sentence").isVisible(), "what was known is still there");
  await stage.serve(stage.port);
  const commit = stage.push("meanwhile", { "orders.yml": "limit: 20\n" });
  await stage.serves(commit);
  await until("the dot again", () => page.locator("#dot.on").isVisible());
  await until("what happened meanwhile", async () => (await page.locator("main").textContent()).includes(commit.slice(0, 7)));
  await context.close();
  return `grey after ${(grey / 1000).toFixed(1)} s`;
}

// Bytes that an overview may have.
const most = 200_000;

export async function many(program) {
  const stage = await Stage.start(program);
  try {
    const applications = Array.from({ length: 50 }, (_, index) => `shop-${index + 1}`);
    const first = stage.git("rev-parse", "HEAD");
    for (const application of applications) {
      const all = ids(application, 200);
      while (all.length) await Promise.all(all.splice(0, 20).map((id) => stage.report(application, id, first)));
    }
    await until("10,000 of them", async () => (await (await stage.get("/_/api/fleet")).json()).totals.instances === 10_000);
    const times = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const began = performance.now();
      const bytes = (await (await stage.get("/_/")).text()).length;
      times.push(performance.now() - began);
      assert.ok(bytes <= most, `the overview has ${bytes} bytes`);
    }
    const { context, page } = await watched(stage);
    const answer = await page.goto(stage.url + "/_/");
    const bytes = (await answer.body()).length;
    await until("the dot", () => page.locator("#dot.on").isVisible());
    await page.evaluate(() => {
      window.longest = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((one) => { window.longest = Math.max(window.longest, one.duration); })).observe({ type: "longtask" });
    });
    const commit = stage.push("for all", { "application.yml": "shared: 2\n" });
    await stage.serves(commit);
    await until("what was pushed", async () => (await page.locator("#fleet").textContent()).includes(commit.slice(0, 7)));
    const longest = await page.evaluate(() => window.longest);
    await context.close();
    times.sort((one, other) => one - other);
    return `an overview of ${bytes} bytes in ${Math.round(times[2])} ms, the longest task of the page during a push ${Math.round(longest)} ms`;
  } finally {
    await stage.end();
  }
}
