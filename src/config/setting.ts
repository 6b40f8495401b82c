// Values that settings of several sections have in common.

import * as z from "zod";
import { parseNetwork } from "../core/ip.ts";
import { refuse } from "./check.ts";

/** A text on one line: a path, a name, a URL. */
export const word = z
  .string()
  .max(4_096)
  .regex(/^[^\p{Cc}]*$/u);

export const network = word
  .transform((text, context) => {
    const parsed = parseNetwork(text);
    if (parsed !== undefined) return parsed;
    refuse(context, {});
    return z.NEVER;
  })
  .meta({ allowed: 'an address or network such as "192.0.2.7", "192.0.2.0/24" or "2001:db8::/32"' });
