import assert from "node:assert/strict";
import { rename, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ControlServer } from "../../src/api/control-server.ts";
import { Problem } from "../../src/core/problem.ts";
import { House } from "./house.ts";

describe("the control socket", () => {
  test("only its owner and group may open it, and it is gone after the end", async () => {
    const house = new House();
    await house.start();
    const { mode } = await stat(house.socket);
    assert.equal(mode & 0o777, 0o660);
    await house[Symbol.asyncDispose]();
    await assert.rejects(stat(house.socket), { code: "ENOENT" });
  });

  test("a living one is left alone, a stale one is taken over, a file is not touched", async () => {
    await using house = new House();
    await house.start();
    assert.ok(house.parts !== undefined);
    const refused = (error: unknown) => error instanceof Problem && error.code === "listen/address";
    await assert.rejects(new ControlServer(house.parts, house.socket).start(), refused);
    const file = join(house.directory, "file");
    await writeFile(file, "mine");
    await assert.rejects(new ControlServer(house.parts, file).start(), refused);
    const stale = join(house.directory, "stale.sock");
    await leaveSocket(stale);
    await using taken = new ControlServer(house.parts, stale);
    await taken.start();
  });
});

/** A socket file that nobody answers on, as a killed daemon leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  // Closing removes the file of the name it was made with.
  await rename(path, `${path}.kept`);
  await new Promise((resolve) => server.close(resolve));
  await rename(`${path}.kept`, path);
}
