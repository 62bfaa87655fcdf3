// Debian's Chromium, driven by Playwright.

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

declare global {
  // The library, in the pages of `server.ts`.
  var weft: typeof import("../../src/api/browser.ts");
}

/** Starts the browser: without a window, and without talking to anybody but us. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Opens a page that has the library, and fails the test that uses it where something goes wrong unseen. */
export async function openPage(browser: Browser | BrowserContext, address: string): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(`uncaught in the page: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error") console.error(`the page says: ${message.text()}`);
  });
  await page.goto(address);
  await page.waitForFunction(() => globalThis.weft !== undefined);
  return page;
}
