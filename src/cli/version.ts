// The version, from package.json in a checkout; the bundle carries it with it.

import packageJson from "../../package.json" with { type: "json" };

export function version(): string {
  return packageJson.version;
}
