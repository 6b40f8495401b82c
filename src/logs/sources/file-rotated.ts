// What a log is called when it has been rotated, and where the rest of one is found again: renamed, copied, or packed.

import { lstatSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Siblings of one log that are looked at; a year of days is kept by few. */
const siblingsMax = 400;

export interface Rotated {
  readonly path: string;
  readonly device: string;
  readonly inode: string;
  readonly sizeBytes: number;
  /** ms since the epoch. */
  readonly changedAt: number;
  readonly isPacked: boolean;
}

const packed = String.raw`(?:\.(?:gz|bz2|xz|zst))`;

/** `mail.log.1`, `mail.log-20261124.gz`, `mail-20261124.log`, `mail.log.old`: what logrotate, newsyslog and savelog make of `mail.log`. */
function rotatedName(name: string): RegExp {
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const mark = String.raw`(?:[.-]\d[\d._T-]*|\.old)`;
  const [whole, before, behind] = [name, stem, extension].map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^(?:${whole}${mark}|${before}${mark}${behind})${packed}?$`);
}

/** True when `path` is what rotation makes of a log that is among `paths` too. */
export function isRotatedOf(path: string, paths: ReadonlySet<string>): boolean {
  const name = basename(path);
  const unpacked = name.replace(new RegExp(`${packed}$`), "");
  const bases = [
    unpacked.replace(/(?:[.-]\d[\d._T-]*|\.old)$/, ""),
    unpacked.replace(/[.-]\d[\d._T-]*(?=\.[^.]*$)/, ""),
  ];
  return bases.some((base) => base !== name && base !== "" && paths.has(join(dirname(path), base)));
}

/** The rotated files of a log, oldest change first. */
export function findRotated(path: string): readonly Rotated[] {
  const directory = dirname(path);
  const matches = rotatedName(basename(path));
  const found: Rotated[] = [];
  for (const name of namesIn(directory)) {
    if (!matches.test(name) || found.length >= siblingsMax) continue;
    const one = lookAt(join(directory, name));
    if (one !== undefined) found.push(one);
  }
  // A file that is being packed stands there twice until its packer is done, and then the plain one goes.
  const plain = new Set(found.filter(({ isPacked }) => !isPacked).map((file) => file.path));
  const whole = found.filter((file) => !file.isPacked || !plain.has(file.path.replace(new RegExp(`${packed}$`), "")));
  return whole.sort((a, b) => a.changedAt - b.changedAt);
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function lookAt(path: string): Rotated | undefined {
  try {
    const stat = lstatSync(path, { bigint: true });
    if (!stat.isFile()) return undefined;
    return {
      path,
      device: String(stat.dev),
      inode: String(stat.ino),
      sizeBytes: Number(stat.size),
      changedAt: Number(stat.mtimeNs) / 1e6,
      isPacked: new RegExp(`${packed}$`).test(path),
    };
  } catch {
    return undefined;
  }
}
