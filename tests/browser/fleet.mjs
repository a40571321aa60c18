// A fleet where something went wrong, and the pages that show it.
import { canary, until } from "./stage.mjs";

export const ids = (application, count) =>
  Array.from({ length: count }, (_, index) => `${application}:dev:8081:${index + 1}e5f`);
export const reason = "`limit`: at most 32 on this host (orders.yml:1:8)";

export async function prepare(stage) {
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
    await stage.report("orders", id, second, index > 20 ? reason : null);
  }
  const refreshes = async () => (await (await stage.get("/_/api/refreshes")).json()).refreshes;
  await until("a refresh", async () => (await refreshes()).some((one) => one.told.length));
  const { id } = (await refreshes()).find((one) => one.told.length);
  return ["/_/", "/_/instances", "/_/instances?state=rejected", `/_/instances/${ids("orders", 24)[22]}`, "/_/refreshes", `/_/refreshes/${id}`, "/_/quarantine", "/_/delivery", "/_/settings", "/_/search?q=orders", "/_/apps/orders/dev?show=shadowed", "/_/apps/orders/dev/key?key=limit", "/_/apps/orders/dev/history", `/_/diff?from=orders/dev@${first}&to=orders/dev@${second}`, "/_/diff", "/_/refresh", "/_/pin?application=orders", `/_/pin?application=orders&commit=${first}`, "/_/nowhere"];
}
