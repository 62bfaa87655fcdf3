import assert from "node:assert/strict";
import test from "node:test";
import { withMachine } from "../support/machine-guest.ts";
import { withArgon2 } from "../support/napi.ts";

// As OpenSSL computes it (`crypto.argon2Sync` of current Node).
const KNOWN =
  "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

test("a module of napi-rs computes and awaits on threads", async () => {
  await withMachine({}, async (machine) => {
    let created = 0;
    machine.onEvent(({ type }) => {
      if (type === "thread-created") created++;
    });
    await withArgon2(machine, async ({ hash, hashSync, verify, verifySync }) => {
      assert.ok(verifySync(KNOWN, "password"));
      assert.ok(!verifySync(KNOWN, "passwords"));
      const atOnce = hashSync("secret", { parallelism: 4, memoryCost: 1024, timeCost: 2 });
      assert.match(atOnce, /^\$argon2id\$v=19\$m=1024,t=2,p=4\$/);
      assert.ok(verifySync(atOnce, "secret") && !verifySync(atOnce, "wrong"));
      const later = await Promise.all(
        ["a", "b", "c"].map((password) => hash(password, { parallelism: 2, memoryCost: 1024 })),
      );
      assert.ok(await verify(later[2], "c"));
      assert.ok(!(await verify(later[0], "c")));
    });
    assert.ok(created > 2, `${created} threads`);
  });
});
