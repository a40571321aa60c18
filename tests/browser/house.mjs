// The browser, and how parts of the walk are told.
import { chromium } from "playwright-core";

export const wide = { width: 1280, height: 900 };
let running;
let failed = 0;

export async function begin() {
  running = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Root has no sandbox; pages here are our own.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

export const browser = () => running;
export const failures = () => failed;

export async function part(name, walk) {
  try {
    const seen = await walk();
    console.log(`ok      ${name}${seen ? `: ${seen}` : ""}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
}

// A page whose every word and request is watched.
export async function watched(stage, options) {
  const context = await running.newContext({ viewport: wide, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(stage.url)) complaints.push(`asks ${request.url()}`);
  });
  return { context, page, complaints };
}

// The browser says itself that it got the status that a missing page has.
export const isAboutStatus = (complaint) => /status of 404/.test(complaint);

// How far a page can be scrolled sideways.
export const beyond = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
