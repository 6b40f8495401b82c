// Waiting for what other processes do: a condition that must come true, or the test fails under its name.

import assert from "node:assert/strict";

const pollMs = 30;

/** Returns once `isTrue`; fails with `what` after `ms`. Other tests share the cores: the time is long on purpose. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, ms = 40_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await isTrue())) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
