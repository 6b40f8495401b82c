// Every signal, in the order in which reports list them.

import type { Signal } from "../signal.ts";
import { addressFanout } from "./address-fanout.ts";
import { bounceRatio } from "./bounce-ratio.ts";
import { guessingBefore } from "./guessing-before.ts";
import { hostingNetwork } from "./hosting-network.ts";
import { impossibleTravel } from "./impossible-travel.ts";
import { knownGuesser } from "./known-guesser.ts";
import { networkCount } from "./network-count.ts";
import { newCountries } from "./new-countries.ts";
import { newCountry } from "./new-country.ts";
import { newMechanism } from "./new-mechanism.ts";
import { newNetworks } from "./new-networks.ts";
import { recipientBurst } from "./recipient-burst.ts";
import { sameSize } from "./same-size.ts";
import { silentTests } from "./silent-tests.ts";
import { sleepingHours } from "./sleeping-hours.ts";
import { strangeSender } from "./strange-sender.ts";
import { twoPlaces } from "./two-places.ts";
import { unheardCountry } from "./unheard-country.ts";

export const signals: readonly Signal[] = [
  newNetworks,
  newCountries,
  newCountry,
  unheardCountry,
  impossibleTravel,
  twoPlaces,
  sleepingHours,
  addressFanout,
  hostingNetwork,
  silentTests,
  recipientBurst,
  bounceRatio,
  guessingBefore,
  knownGuesser,
  newMechanism,
  strangeSender,
  sameSize,
  networkCount,
];
