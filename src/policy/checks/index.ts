// The checks in the order they are asked (decided 5). A check is one file here and one line in this list.

import type { Check } from "../check.ts";
import { access } from "./access.ts";
import { accounting } from "./accounting.ts";
import { banned } from "./banned.ts";
import { frozen } from "./frozen.ts";
import { quota } from "./quota.ts";

export const checks: readonly Check[] = [banned, frozen, access, quota, accounting];
