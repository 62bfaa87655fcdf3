// Serves what the pages of the tests need: the library, guest programs, a bare page with and without isolation, or a folder.

import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { compileGuest } from "../support/compile.ts";

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** A page that only has the library: the tests call it as `weft`. */
const barePage = `<!doctype html><title>Weft</title><link rel="icon" href="data:,">
<script type="module">import * as weft from "/browser.js"; globalThis.weft = weft;</script>`;

export interface TestServer extends AsyncDisposable {
  readonly origin: string;
}

/** The two headers that isolate a page. */
function isolate(response: ServerResponse): void {
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
}

async function listen(server: Server): Promise<TestServer> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/**
 * Serves the library from dist/ and guests as /programs/NAME.wasm, with the pages /isolated, /plain (no headers) and /strict (isolated, with a policy
 * that forbids workers from blob: URLs).
 */
export function serveLibrary(): Promise<TestServer> {
  return listen(
    createServer((request, response) => {
      const path = new URL(request.url!, "http://localhost").pathname;
      void answer(path, response).catch((error: unknown) => {
        response.statusCode = 404;
        response.end(String(error));
      });
    }),
  );
}

async function answer(path: string, response: ServerResponse): Promise<void> {
  response.setHeader("Content-Type", types[extname(path)] ?? "text/html");
  if (path !== "/plain") isolate(response);
  if (path === "/strict") {
    response.setHeader(
      "Content-Security-Policy",
      "worker-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
    );
  }
  if (extname(path) === "") response.end(barePage);
  else if (path.startsWith("/programs/"))
    response.end(
      await readFile(await compileGuest(path.slice("/programs/".length, -".wasm".length))),
    );
  else response.end(await readFile(join("dist", path.slice(1))));
}

/** Serves a folder of files, isolated. */
export function serveFolder(folder: string): Promise<TestServer> {
  return listen(
    createServer((request, response) => {
      const path = new URL(request.url!, "http://localhost").pathname;
      isolate(response);
      response.setHeader("Content-Type", types[extname(path)] ?? "text/html");
      readFile(join(folder, path.endsWith("/") ? path + "index.html" : path)).then(
        (bytes) => response.end(bytes),
        () => {
          response.statusCode = 404;
          response.end();
        },
      );
    }),
  );
}
