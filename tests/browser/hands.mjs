// What people do with keys and fingers.
import assert from "node:assert/strict";
import { beyond, watched } from "./house.mjs";
import { ids, reason } from "./fleet.mjs";

export async function keys(stage) {
  const { context, page } = await watched(stage);
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
  for (const [key, place] of [["s", "settings"], ["r", "refreshes"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForURL(`**/_/${place}`);
  }
  await page.keyboard.press("?");
  await page.uncheck("#single");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.notEqual(await page.evaluate(() => document.activeElement.id), "search");
  await context.close();
}

// Whatever can be clicked can be reached, is in the window then, and shows that it is meant.
export async function tabs(stage, pages) {
  const { context, page } = await watched(stage);
  // Nothing comes and goes meanwhile.
  await page.addInitScript(() => localStorage.setItem("confbus.live", "off"));
  let stops = 0;
  for (const path of pages) {
    await page.goto(stage.url + path);
    const all = await page.evaluate(() => {
      const targets = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")];
      const seen = targets.filter((one) => one.checkVisibility());
      seen.forEach((one, index) => { one.stop = index; });
      return seen.map((one) => one.outerHTML.slice(0, 120));
    });
    const reached = new Set();
    for (let press = 0; press <= all.length; press += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const one = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        const { top, bottom, width, height } = one.getBoundingClientRect();
        const isSeen = bottom > 0 && top < innerHeight && width > 0 && height > 0;
        return { stop: one.stop, isMarked: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2, isSeen, html: one.outerHTML.slice(0, 120) };
      });
      if (at.stop === undefined) continue;
      assert.ok(at.isMarked && at.isSeen, `${path}: nobody sees that ${at.html} is meant`);
      reached.add(at.stop);
    }
    assert.deepEqual(all.filter((_, index) => !reached.has(index)), [], `${path} has what no key reaches`);
    stops += all.length;
  }
  await context.close();
  return `${stops} stops`;
}

export async function pin(stage) {
  const commit = stage.git("rev-parse", "HEAD");
  const sign = async (page, text, button) => {
    await page.getByLabel("Reason").fill(text);
    await page.getByLabel("Your name").fill("Jo Lind");
    await page.getByRole("button", { name: button }).click();
  };
  for (const javaScriptEnabled of [false, true]) {
    const { context, page, complaints } = await watched(stage, { javaScriptEnabled });
    await page.goto(stage.url + "/_/");
    await page.getByRole("link", { name: "Pin…" }).click();
    await page.getByLabel("Application", { exact: true }).fill("payments");
    await page.getByLabel("Commit", { exact: true }).fill(commit.slice(0, 10));
    await page.getByRole("button", { name: "Show what it changes" }).click();
    await page.getByRole("heading", { name: "What it changes" }).waitFor();
    await sign(page, "INC-812", "Pin");
    await page.waitForURL("**/_/");
    assert.ok((await page.locator("#looks-part").textContent()).includes("by Jo Lind (not proved): INC-812"));
    await page.getByRole("link", { name: /let go/ }).click();
    await sign(page, "mended", "Let go");
    await page.waitForURL("**/_/");
    assert.ok(!(await page.locator("#looks-part").textContent()).includes("INC-812"));
    await page.getByRole("link", { name: "Refresh…" }).click();
    await page.getByLabel("Who").fill("payments");
    await sign(page, "to be sure", "Refresh");
    await page.waitForURL("**/_/refreshes");
    assert.deepEqual(complaints, []);
    await context.close();
  }
}

// From the link of an alert: who, what and why are there at once, and the form of a pin is two taps away.
export async function phone(stage) {
  const { context, page } = await watched(stage, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, hasTouch: true, isMobile: true });
  await page.goto(stage.url + "/_/instances?application=orders&state=rejected");
  assert.equal(await beyond(page), 0);
  const text = await page.locator("main").innerText();
  for (const part of [ids("orders", 24)[22], "rejected", reason]) assert.ok(text.includes(part), part);
  await page.getByRole("link", { name: ids("orders", 24)[22] }).tap();
  await page.waitForURL("**/_/instances/*");
  assert.equal(await beyond(page), 0);
  const why = await page.locator(".reason").boundingBox();
  assert.ok(why.x >= 0 && why.y + why.height <= 844, "the reason is beyond the window");
  await page.getByRole("link", { name: "Pin…" }).tap();
  await page.waitForURL("**/_/pin?*");
  assert.equal(await page.inputValue("#field-application"), "orders");
  assert.equal(await beyond(page), 0);
  await context.close();
}
