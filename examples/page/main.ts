// A page that runs programs with Weft: shows their output and files, and can kill them.

import { Machine, type Output, type Process } from "weft";

function find<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const program = find<HTMLSelectElement>("program");
const own = find<HTMLInputElement>("own");
const words = find<HTMLInputElement>("arguments");
const input = find<HTMLTextAreaElement>("input");
const run = find<HTMLButtonElement>("run");
const kill = find<HTMLButtonElement>("kill");
const output = find<HTMLPreElement>("output");
const end = find<HTMLParagraphElement>("end");
const files = find<HTMLUListElement>("files");
const path = find<HTMLInputElement>("path");
const content = find<HTMLTextAreaElement>("content");

/** Programs that want arguments, and files of the tree: examples to begin with. */
const examples: Record<string, string> = {
  page_streams: "one two",
  page_threads: "4",
  page_files: "/notes.txt",
};

const machine = await Machine.create({ files: { "/notes.txt": "Write something here.\n" } });
let running: Process | undefined;

/** Shows what a program writes, as it comes. */
async function show(stream: Output, kind: string): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const text = document.createElement("span");
    text.className = kind;
    text.textContent = decoder.decode(bytes, { stream: true });
    output.append(text);
    output.scrollTop = output.scrollHeight;
  }
}

/** Where the chosen program comes from. */
async function choose(): Promise<string | Uint8Array> {
  if (program.value !== "own")
    return new URL(`programs/${program.value}.wasm`, document.baseURI).href;
  const file = own.files?.[0];
  if (file === undefined) throw new Error("choose a file first");
  return new Uint8Array(await file.arrayBuffer());
}

async function runProgram(): Promise<void> {
  run.disabled = true;
  output.textContent = "";
  end.textContent = "running…";
  const started = performance.now();
  try {
    running = await machine.spawn(await choose(), {
      args: words.value.split(/\s+/).filter((word) => word !== ""),
      env: { GREETING: "hello from the page" },
      stdin: { text: input.value },
    });
    kill.disabled = false;
    await Promise.all([show(running.stdout!, "text"), show(running.stderr!, "error")]);
    const { exitCode, message } = await running.wait();
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    end.textContent = `exit code ${exitCode} after ${seconds} s${message === undefined ? "" : `: ${message}`}`;
  } catch (error) {
    end.textContent = error instanceof Error ? error.message : String(error);
  } finally {
    running = undefined;
    kill.disabled = true;
    run.disabled = false;
    await listFiles();
    tellState();
  }
}

/** The paths of all files below a directory. */
async function findFiles(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, kind } of await machine.fs.readdir(directory === "" ? "/" : directory)) {
    const entry = `${directory}/${name}`;
    if (kind === "directory" && entry !== "/dev") found.push(...(await findFiles(entry)));
    else if (kind === "file") found.push(entry);
  }
  return found;
}

async function listFiles(): Promise<void> {
  const items = (await findFiles("")).map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => void openFile(name));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  files.replaceChildren(...items);
}

async function openFile(name: string): Promise<void> {
  path.value = name;
  content.value = await machine.fs.readTextFile(name);
}

function tellState(): void {
  find("state").textContent = crossOriginIsolated
    ? `isolated page, ${navigator.hardwareConcurrency} cores, ${machine.workerCount} workers`
    : "page without isolation: programs without threads run, one at a time";
}

find<HTMLFormElement>("start").addEventListener("submit", (event) => {
  event.preventDefault();
  void runProgram();
});
kill.addEventListener("click", () => running?.kill());
program.addEventListener("change", () => {
  find("own-label").hidden = program.value !== "own";
  words.value = examples[program.value] ?? "";
});
find("save").addEventListener("click", () => {
  void machine.fs.writeFile(path.value, content.value).then(listFiles, (error: Error) => {
    end.textContent = error.message;
  });
});

const heartbeat = find("heartbeat");
let frames = 0;
function beat(): void {
  heartbeat.style.transform = `rotate(${frames++ * 6}deg)`;
  heartbeat.dataset.frames = String(frames);
  requestAnimationFrame(beat);
}
beat();

await listFiles();
await openFile("/notes.txt");
tellState();
document.body.dataset.ready = "yes";
