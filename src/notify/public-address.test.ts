import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicText } from "./public-address.ts";

test("addresses of the public internet, and those of machines and private networks", () => {
  const open = [
    "8.8.8.8",
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "100.63.0.1",
    "100.128.0.1",
    "2a02:2378::1",
    "::ffff:8.8.8.8",
  ];
  const closed = [
    ...[
      "127.0.0.1",
      "10.1.2.3",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "169.254.169.254",
      "100.64.0.1",
      "0.0.0.0",
    ],
    ...["224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1"],
    ...["::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "not an address", "127.1", "0177.0.0.1"],
  ];
  assert.deepEqual(
    open.filter((text) => !isPublicText(text)),
    [],
  );
  assert.deepEqual(closed.filter(isPublicText), []);
});
