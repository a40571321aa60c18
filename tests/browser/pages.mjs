// Each page by itself: for everybody's eyes, in every window, without a script, and as text.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { beyond, isAboutStatus, watched, wide } from "./house.mjs";
import { canary } from "./stage.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
// Bytes that a first visit may load.
const most = 100_000;

async function violations(page) {
  const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules);
  return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
}

export async function each(stage, pages) {
  for (const colorScheme of ["light", "dark"]) {
    const { context, page, complaints } = await watched(stage, { colorScheme });
    await page.addInitScript(axe);
    for (const path of pages) {
      await page.goto(stage.url + path);
      assert.ok(!(await page.content()).includes(canary), `${path} shows a value`);
      assert.deepEqual(await violations(page), [], `${path} in ${colorScheme}`);
      await page.setViewportSize({ width: 320, height: 640 });
      assert.equal(await beyond(page), 0, `${path} scrolls sideways`);
      assert.deepEqual(await violations(page), [], `${path} narrow in ${colorScheme}`);
      await page.setViewportSize(wide);
    }
    assert.deepEqual(complaints.filter((complaint) => !isAboutStatus(complaint)), []);
    await context.close();
  }
}

// Where the system takes the colours away, words and borders still say it.
export async function forced(stage, pages) {
  const { context, page } = await watched(stage, { forcedColors: "active" });
  await page.addInitScript(axe);
  for (const path of pages) {
    await page.goto(stage.url + path);
    assert.deepEqual(await violations(page), [], path);
    const bare = await page.evaluate(() => {
      const isSeen = (one) => one.checkVisibility();
      const signs = [...document.querySelectorAll(".ok, .wait, .bad, .held")].filter(isSeen);
      const classOf = new Map();
      const wordless = signs.filter((sign) => {
        const text = sign.textContent.trim();
        if (/\p{Letter}|\p{Number}/u.test(text)) return false;
        // Without a word, its shape has to say it.
        const other = classOf.get(text[0]) ?? sign.classList[0];
        classOf.set(text[0], other);
        return text === "" || other !== sign.classList[0];
      });
      const borderless = [...document.querySelectorAll("button, .button")].filter((one) => isSeen(one) && getComputedStyle(one).borderStyle === "none");
      return [...wordless, ...borderless].map((one) => one.outerHTML);
    });
    assert.deepEqual(bare, [], path);
  }
  await context.close();
}

// 1280 points at 400 %: as many as on a small telephone, each four times as large.
export async function zoomed(stage, pages) {
  const { context, page } = await watched(stage, { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 });
  for (const path of pages) {
    await page.goto(stage.url + path);
    assert.equal(await beyond(page), 0, `${path} scrolls sideways`);
    const cut = await page.evaluate(() => [...document.querySelectorAll("main *")].filter((one) => {
      const { left, right, width } = one.getBoundingClientRect();
      return width > 1 && !one.closest(".hidden, thead") && (left < -1 || right > innerWidth + 1);
    }).map((one) => one.outerHTML.slice(0, 200)));
    assert.deepEqual(cut, [], `${path} is cut off`);
  }
  await context.close();
}

export async function light(stage, pages) {
  let largest = { bytes: 0 };
  for (const path of pages) {
    const { context, page, complaints } = await watched(stage);
    const answers = [];
    page.on("response", (response) => answers.push(response));
    await page.goto(stage.url + path, { waitUntil: "load" });
    const whole = answers.filter((answer) => !answer.url().endsWith("/api/changes"));
    const bodies = await Promise.all(whole.map((answer) => answer.body()));
    const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
    assert.ok(bytes <= most, `${path} loads ${bytes} bytes`);
    const first = await answers[0].allHeaders();
    assert.equal(first["content-security-policy"], policy, path);
    assert.deepEqual(complaints.filter((complaint) => !isAboutStatus(complaint)), [], path);
    if (bytes > largest.bytes) largest = { path, bytes };
    await context.close();
  }
  return `at most ${largest.bytes} bytes, not compressed (${largest.path})`;
}

export async function plain(stage, pages) {
  const { context, page, complaints } = await watched(stage, { javaScriptEnabled: false });
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

// What a text browser makes of a page holds every word that a graphical one shows.
export async function texts(stage, pages) {
  const { context, page } = await watched(stage, { javaScriptEnabled: false });
  const words = (text) => text.match(/[\p{Letter}\p{Number}]{3,}/gu) ?? [];
  for (const path of pages.filter((path) => path !== "/_/nowhere")) {
    await page.goto(stage.url + path);
    // Of a choice, a text browser shows what is chosen.
    await page.locator("main select").evaluateAll((all) => all.forEach((one) => one.remove()));
    const shown = words(await page.locator("main").innerText());
    const arguments_ = ["-dump", "-nolist", "-width=400", "-assume_charset=utf-8", "-display_charset=utf-8", "-cfg=/dev/null", stage.url + path];
    const dumped = execFileSync("lynx", arguments_, { encoding: "utf8", env: { ...process.env, LC_ALL: "C.UTF-8", HOME: stage.folder } });
    const told = new Set(words(dumped));
    // Times go on between the two.
    const missing = shown.filter((word) => !told.has(word) && !/^\d/.test(word));
    assert.deepEqual(missing, [], `${path} as text:\n${dumped}`);
    for (const name of await page.locator("main form input:not([type=hidden])").evaluateAll((all) => all.map((one) => one.labels[0]?.firstChild.textContent.trim() ?? ""))) {
      assert.ok(dumped.includes(name), `${path} has no field ${name} as text`);
    }
  }
  await context.close();
}
