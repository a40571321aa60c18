// Pictures for the documentation.
import { canary } from "./stage.mjs";
import { watched } from "./house.mjs";
import { ids, reason } from "./fleet.mjs";

export async function paint(stage, pages, folder) {
  const commit = stage.push("raise it again", { "orders.yml": `limit: 60\npassword: ${canary}\nhttp:\n  read-timeout: 5s\n` });
  await stage.serves(commit);
  for (const [index, id] of ids("orders", 24).entries()) {
    await stage.report("orders", id, commit, index > 20 ? reason : null);
  }
  const refresh = pages.find((path) => /refreshes\/./.test(path));
  for (const [name, path, colorScheme] of [["overview", "/_/", "light"], ["application", "/_/apps/orders/prod?show=shadowed", "dark"], ["refresh", refresh, "light"]]) {
    const { context, page } = await watched(stage, { colorScheme, timezoneId: "UTC", locale: "en-GB" });
    await page.goto(stage.url + path);
    await page.screenshot({ path: `${folder}/${name}.png` });
    await context.close();
  }
}
