/**
 * Attempts of a program to reach what is not mounted, by every way there is a name for. `docs/security.md` says what is promised and names these tests.
 *
 * A directory of the host is mounted; beside it lies another that nobody may reach. Every test is made on the directory itself, on it by path (hosts
 * where open directories cannot be walked from), and on overlays with it above and below.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import test from "node:test";
import { Errno } from "../../src/abi/errno.ts";
import { createHostfs, destroyHostfs, HostfsDriver } from "../../src/fs/hostfs/index.ts";
import { NodeFiles } from "../../src/hosts/node/files.ts";
import { Random } from "../support/kernel-random.ts";
import {
  makeHostDirectory,
  makeMemoryMount,
  type Made,
  makeOverlay,
  onSubject,
} from "../support/filesystem-subjects.ts";
import { O, type PosixCalls } from "../support/posix-calls.ts";
import type { FixtureMachine } from "../support/syscall-fixture.ts";

const { EACCES, EBUSY, ENOENT, EXDEV } = Errno;

interface Site {
  /** Path of the mounted directory on the host. */
  readonly inside: string;
  /** Path of the directory that nobody may reach. */
  readonly outside: string;
  /** Whether open directories of the host are walked from. */
  readonly pins: boolean;
  /** Whether what the program does happens in `inside`. */
  readonly isUpper: boolean;
}

interface Kind {
  readonly name: string;
  readonly pins: boolean;
  readonly isUpper: boolean;
  make(machine: FixtureMachine, host: Made): Made;
}

const kinds: readonly Kind[] = [
  { name: "host directory", pins: true, isUpper: true, make: (_machine, host) => host },
  { name: "by path", pins: false, isUpper: true, make: (_machine, host) => host },
  {
    name: "overlay above",
    pins: true,
    isUpper: true,
    make: (machine, host) => makeOverlay(machine, host, [makeMemoryMount(machine, {}, true)]),
  },
  {
    name: "overlay below",
    pins: true,
    isUpper: false,
    make: (machine, host) => makeOverlay(machine, makeMemoryMount(machine, {}), [host]),
  },
];

/** Runs an attempt on each kind; afterwards the outside must be as it was. */
function attempt(
  name: string,
  prepare: (inside: string, outside: string) => void,
  body: (calls: PosixCalls, site: Site) => void,
): void {
  for (const kind of kinds) {
    test(`${kind.name}: ${name}`, () => {
      const { directory, remove } = makeHostDirectory();
      const [inside, outside] = ["inside", "outside"].map((part) => path.join(directory, part));
      fs.mkdirSync(inside);
      fs.mkdirSync(path.join(outside, "deep"), { recursive: true });
      fs.writeFileSync(path.join(outside, "secret"), "secret");
      fs.writeFileSync(path.join(outside, "deep/secret"), "secret");
      fs.mkdirSync(path.join(inside, "d/e"), { recursive: true });
      fs.writeFileSync(path.join(inside, "file"), "ours");
      prepare(inside, outside);
      const before = describe(outside);
      const make = (machine: FixtureMachine): Made => {
        const { vfs } = machine.kernel;
        const port = new NodeFiles(kind.pins ? {} : { pins: false });
        new HostfsDriver(port).register(vfs);
        const mount = createHostfs(vfs, port, inside, { readOnly: !kind.isUpper });
        return kind.make(machine, { mount, undo: () => destroyHostfs(vfs, port, mount) });
      };
      const { pins, isUpper } = kind;
      try {
        onSubject({ name, make }, {}, (calls) => body(calls, { inside, outside, pins, isUpper }));
        assert.deepEqual(describe(outside), before, "the outside has changed");
      } finally {
        remove();
      }
    });
  }
}

/** Names, contents and times of a directory, and of all in it. */
function describe(directory: string): unknown {
  return fs
    .readdirSync(directory)
    .sort()
    .map((name) => {
      const at = path.join(directory, name);
      const { mtimeMs, size, nlink } = fs.lstatSync(at);
      const inside = fs.lstatSync(at).isDirectory() ? describe(at) : fs.readFileSync(at, "utf8");
      return [name, mtimeMs, size, nlink, inside];
    });
}

/** Every call on a path that must lead nowhere. */
function leadsNowhere(calls: PosixCalls, where: string): void {
  assert.equal(calls.tryOpen(where), -ENOENT, where);
  assert.equal(calls.tryOpen(where, O.RDWR), -ENOENT, where);
  assert.equal(calls.stat(where), -ENOENT, where);
  assert.equal(calls.utimes(where, 1n, 1n), -ENOENT, where);
  assert.equal(calls.link(where, "copy", true), -ENOENT, where);
  assert.ok(calls.tryOpen(`${where}/x`, O.RDWR | O.CREAT) < 0, where);
  assert.ok(calls.mkdir(`${where}/x`) < 0, where);
  assert.ok(calls.unlink(`${where}/secret`) < 0, where);
  assert.ok(calls.rename(`${where}/secret`, "stolen") < 0, where);
  assert.ok(calls.rename("file", `${where}/given`) < 0, where);
}

const nothing = (): void => {};

attempt("symbolic links that the program makes", nothing, (calls, { outside }) => {
  const targets = [
    outside,
    `${outside}/secret`,
    "../outside",
    "../outside/secret",
    "../../../../../../../../../../../../etc/passwd",
    "/proc/self/root/etc/passwd",
    "/proc/self/cwd",
    `/proc/${process.pid}/cwd`,
  ];
  targets.forEach((target, index) => {
    assert.equal(calls.symlink(target, `l${index}`), 0);
    leadsNowhere(calls, `l${index}`);
    assert.equal(calls.symlink(`../${target}`, `d/e/l${index}`), 0);
    leadsNowhere(calls, `d/e/l${index}`);
  });
  // What a dangling link makes is made in the guest's tree, if at all.
  assert.equal(calls.symlink("/made", "maker"), 0);
  assert.equal(calls.tryOpen("maker", O.RDWR | O.CREAT), 0);
  assert.equal(calls.tryOpen("/made"), 0);
});

attempt(
  "symbolic links that the host made",
  (inside, outside) => {
    fs.symlinkSync(outside, path.join(inside, "absolute"));
    fs.symlinkSync("../outside", path.join(inside, "relative"));
    fs.symlinkSync("../../../outside/secret", path.join(inside, "d/e/relative"));
    fs.symlinkSync("/proc/self/cwd", path.join(inside, "magic"));
    fs.symlinkSync("/", path.join(inside, "top"));
  },
  (calls, { outside }) => {
    for (const where of ["absolute", "relative", "d/e/relative", "magic"])
      leadsNowhere(calls, where);
    leadsNowhere(calls, `top${outside}`);
    assert.equal(calls.status("top").inode, calls.status("/").inode, "the top is the guest's");
  },
);

attempt("too many dots", nothing, (calls, { outside }) => {
  const name = path.basename(path.dirname(outside));
  for (const where of [
    "..",
    "../..",
    "d/e/../../..",
    "d/../../m/d/../..",
    "/..",
    "/../../..",
    "d/e/../../../../../../..",
  ]) {
    assert.equal(calls.status(where).inode, calls.status("/").inode, where);
    leadsNowhere(calls, `${where}/outside`);
    leadsNowhere(calls, `${where}/${name}`);
    leadsNowhere(calls, `${where}${outside}`);
  }
  const base = calls.opened("d/e", O.DIRECTORY);
  for (const where of [
    "../../../outside/secret",
    "../../../../outside/secret",
    outside,
    "/outside/secret",
  ]) {
    assert.equal(calls.tryOpen(where, O.RDONLY, base), -ENOENT, where);
    assert.equal(calls.tryOpen(where, O.RDWR | O.CREAT, base), -ENOENT, where);
  }
  calls.close(base);
});

attempt(
  "an ancestor that the program renames while it holds a directory",
  nothing,
  (calls, { isUpper }) => {
    assert.equal(calls.mkdir("a"), 0);
    for (const where of ["a/b", "a/b/c", "x"]) assert.equal(calls.mkdir(where), 0);
    const held = calls.opened("a/b/c", O.DIRECTORY);
    assert.equal(calls.rename("a/b", "x/b"), 0);
    assert.equal(calls.rename("x", "a/x"), 0);
    for (let levels = 1; levels < 12; levels++) {
      const up = "../".repeat(levels);
      assert.equal(calls.tryOpen(`${up}outside/secret`, O.RDONLY, held), -ENOENT, up);
      assert.equal(calls.tryOpen(`${up}secret`, O.RDONLY, held), -ENOENT, up);
    }
    assert.ok(isUpper || calls.names("a") instanceof Array);
    calls.close(held);
  },
);

attempt(
  "a held directory that the host moves out",
  nothing,
  (calls, { inside, outside, pins, isUpper }) => {
    // A lower layer must not change while it is mounted.
    if (!isUpper) return;
    const held = calls.opened("d/e", O.DIRECTORY);
    const away = path.join(path.dirname(outside), "away");
    fs.mkdirSync(away);
    fs.writeFileSync(path.join(away, "secret"), "secret");
    fs.renameSync(path.join(inside, "d/e"), path.join(away, "e"));
    for (const where of [
      "../secret",
      "../../outside/secret",
      "../../../outside/secret",
      "../away/secret",
    ]) {
      assert.equal(calls.tryOpen(where, O.RDONLY, held), -ENOENT, where);
    }
    // Above it there is the top of the mount now, or in an overlay what was above it: what is made there is made inside.
    calls.tryOpen("../secret", O.RDWR | O.CREAT | O.TRUNC, held);
    if (pins) assert.ok(calls.text("secret") === "" || calls.text("d/secret") === "");
    assert.deepEqual(fs.readdirSync(away).sort(), ["e", "secret"]);
    assert.equal(fs.readFileSync(path.join(away, "secret"), "utf8"), "secret");
    fs.renameSync(path.join(away, "e"), path.join(inside, "d/e"));
    calls.close(held);
  },
);

attempt(
  "hard links",
  (inside, outside) => {
    fs.symlinkSync(path.join(outside, "secret"), path.join(inside, "leak"));
  },
  (calls, { outside }) => {
    assert.equal(calls.link("leak", "copy", true), -ENOENT);
    assert.equal(calls.link("../outside/secret", "copy"), -ENOENT);
    assert.equal(calls.link(`${outside}/secret`, "copy"), -ENOENT);
    assert.equal(calls.link("file", "/other/copy"), -EXDEV);
    assert.equal(calls.link("/other/file", "copy"), -EXDEV);
    const linked = calls.link("leak", "twin");
    if (linked === 0) {
      assert.equal(calls.readlink("twin"), `${outside}/secret`, "the link itself");
      leadsNowhere(calls, "twin");
    } else assert.equal(linked, -Errno.ENOTSUP);
    assert.equal(calls.stat("copy"), -ENOENT);
  },
);

attempt(
  "pipes, sockets and names of devices",
  (inside) => {
    execFileSync("mkfifo", [path.join(inside, "pipe")]);
    for (const name of ["con", "nul", "aux", "com1", "C:", "\\\\.\\pipe"])
      fs.writeFileSync(path.join(inside, name), name);
  },
  (calls, { pins }) => {
    // None waits for another end, and none is opened. A host that need not say at once what it has opened gives a descriptor that is good for nothing.
    for (const flags of [O.RDONLY, O.WRONLY, O.RDWR]) {
      const opened = calls.open("pipe", flags);
      if (flags === O.RDONLY && pins) {
        assert.deepEqual(
          [calls.read(opened), calls.pread(opened, 1, 0), calls.seek(opened, 0)],
          [-EACCES, -EACCES, -EACCES],
        );
        calls.close(opened);
      } else assert.ok(-opened === EACCES || -opened === Errno.ENXIO, `${opened}`);
    }
    assert.equal(calls.typeOf("con"), 4);
    for (const name of ["con", "nul", "aux", "com1", "C:", "\\\\.\\pipe"])
      assert.equal(calls.text(name), name);
  },
);

attempt(
  "bytes that are no text, and letters of another case",
  nothing,
  (calls, { isUpper, inside }) => {
    const odd = Uint8Array.of(0xff, 0x2e, 0x2e, 0xc0, 0xaf);
    // An overlong form of a slash is a name, not a slash.
    assert.equal(
      calls.stat(Uint8Array.from([...Buffer.from("../"), 0xc0, 0xae, 0xc0, 0xae, 0xc0, 0xaf])),
      -ENOENT,
    );
    calls.put(odd, "odd");
    assert.equal(calls.text(odd), "odd");
    if (isUpper)
      assert.equal(fs.readFileSync(Buffer.concat([Buffer.from(`${inside}/`), odd]), "utf8"), "odd");
    for (const where of ["file\0/../../outside/secret", "\0", "d/\0"])
      assert.equal(calls.stat(where), -Errno.EINVAL, where);
    assert.equal(calls.symlink("d\0../../outside", "l"), -Errno.EINVAL);
    assert.equal(
      calls.stat("FILE"),
      fs.existsSync(path.join(inside, "FILE")) ? calls.stat("file") : -ENOENT,
    );
  },
);

attempt(
  "mountpoints, and what they cover",
  (inside) => {
    fs.symlinkSync("/other", path.join(inside, "there"));
  },
  (calls) => {
    assert.equal(calls.status("/other/..").inode, calls.status("/").inode);
    assert.equal(calls.text("there/file"), "other");
    assert.equal(calls.text("there/../m/file"), "ours");
    for (const where of ["/m", "/other"]) {
      assert.equal(calls.rmdir(where), -EBUSY);
      assert.equal(calls.unlink(where), -Errno.EISDIR);
      assert.equal(calls.rename(where, "/moved"), -EBUSY);
      assert.equal(calls.rename("d", where), -EXDEV);
      assert.equal(calls.mkdir(where), -Errno.EEXIST);
      assert.equal(calls.symlink("x", where), -Errno.EEXIST);
    }
    assert.equal(calls.rename("/m/d", "/d"), -EXDEV);
  },
);

for (const seed of [1, 2, 3]) {
  attempt(
    `random paths and changes, seed ${seed}`,
    (inside, outside) => {
      fs.symlinkSync(outside, path.join(inside, "abs"));
      fs.symlinkSync("../../outside", path.join(inside, "d/rel"));
    },
    (calls, { outside }) => {
      const random = new Random(seed);
      const parts = [
        "..",
        ".",
        "d",
        "e",
        "abs",
        "rel",
        "l",
        "outside",
        "secret",
        "deep",
        "file",
        "",
        outside.slice(1),
      ];
      const where = () => {
        let text = random.oneIn(4) ? "/" : "";
        do text += `${random.pick(parts)}/`;
        while (!random.oneIn(4));
        return text.slice(0, random.oneIn(8) ? undefined : -1) || ".";
      };
      let bases = [calls.base];
      const base = () => random.pick(bases);
      for (let step = 0; step < 1500; step++) {
        const text = calls.text(where(), base());
        assert.ok(text !== "secret", "reached");
        random.pick([
          () =>
            void calls.tryOpen(where(), O.RDWR | O.CREAT | (random.oneIn(3) ? O.TRUNC : 0), base()),
          () => void calls.mkdir(where(), base()),
          () => void calls.rmdir(where(), base()),
          () => void calls.unlink(where(), base()),
          () =>
            void calls.symlink(
              random.pick([outside, "..", "../..", "/", where()]),
              where(),
              base(),
            ),
          () => void calls.rename(where(), where(), base()),
          () => void calls.link(where(), where(), random.oneIn(2)),
          () => void calls.utimes(where(), 5n, 5n),
          () => {
            const fd = calls.open(where(), O.DIRECTORY, base());
            if (fd >= 0) bases.push(fd);
          },
          () => {
            for (const fd of bases.slice(1)) calls.close(fd);
            bases = [calls.base];
          },
        ])();
      }
      for (const fd of bases.slice(1)) calls.close(fd);
    },
  );
}

test("a socket in a mounted directory is shown and cannot be opened", async () => {
  const { directory, remove } = makeHostDirectory();
  const server = net.createServer().listen(path.join(directory, "socket"));
  await once(server, "listening");
  const make = (machine: FixtureMachine): Made => {
    const { vfs } = machine.kernel;
    const port = new NodeFiles();
    new HostfsDriver(port).register(vfs);
    const mount = createHostfs(vfs, port, directory);
    return { mount, undo: () => destroyHostfs(vfs, port, mount) };
  };
  onSubject({ name: "socket", make }, {}, (calls) => {
    assert.deepEqual(calls.names("."), ["socket"]);
    for (const flags of [O.RDONLY, O.RDWR, O.WRONLY | O.TRUNC])
      assert.ok(calls.tryOpen("socket", flags) < 0);
  });
  server.close();
  await once(server, "close");
  remove();
});
