// Every own jail there is. Adding one is one file, one line here and its section in config/jail-sections.ts.

import type { OwnJail } from "../own-jail.ts";
import { connectionLimit } from "./connection-limit.ts";
import { postscreen } from "./postscreen.ts";
import { quotaRefusal } from "./quota-refusal.ts";
import { spraying } from "./spraying.ts";
import { unknownUser } from "./unknown-user.ts";
import { wrongPassword } from "./wrong-password.ts";

export const ownJails: readonly OwnJail[] = [
  wrongPassword,
  unknownUser,
  spraying,
  connectionLimit,
  quotaRefusal,
  postscreen,
];
