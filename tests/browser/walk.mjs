// Walks every page of a real server with a real browser: `node walk.mjs PROGRAM [FOLDER-FOR-PICTURES]`.
import { browser, begin, part, failures } from "./house.mjs";
import { Stage } from "./stage.mjs";
import { prepare } from "./fleet.mjs";
import { each, forced, zoomed, light, plain, texts } from "./pages.mjs";
import { keys, tabs, pin, phone } from "./hands.mjs";
import { away, many, push } from "./moves.mjs";
import { paint } from "./pictures.mjs";

const [program, pictures] = process.argv.slice(2);
const stage = await Stage.start(program);
await begin();
try {
  const pages = await prepare(stage);
  await part("every page, light and dark, wide and narrow", () => each(stage, pages));
  await part("every page in colours of the system", () => forced(stage, pages));
  await part("every page at 400 %", () => zoomed(stage, pages));
  await part("every page loads little, from here alone", () => light(stage, pages));
  await part("every page without a script", () => plain(stage, pages));
  await part("every page as text", () => texts(stage, pages));
  if (pictures) await part("pictures", () => paint(stage, pages, pictures));
  await part("a telephone from the alert to the pin", () => phone(stage));
  await part("a push while somebody reads", () => push(stage));
  await part("keys", () => keys(stage));
  await part("everything by the tabulator", () => tabs(stage, pages));
  await part("all that can be done, without a script and with one", () => pin(stage));
  await part("a server that is away for 20 s", () => away(stage));
  await part("10,000 instances", () => many(program));
} finally {
  await browser().close();
  await stage.end();
}
process.exitCode = failures() ? 1 : 0;
