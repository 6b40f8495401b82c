// Every window, threshold and weight of the judge, in one place. The defaults follow docs/reference/accounts.md.

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** What may be set; durations in milliseconds, weights in points. */
export interface JudgeSettings {
  readonly levels: { readonly notice: number; readonly watch: number; readonly high: number };
  /** Back to calm: below `below` for `quietMs`, and at least `stayMs` after the level was reached. */
  readonly leave: {
    readonly below: number;
    readonly quietMs: number;
    readonly stayMs: number;
    /** A notice lapses so long after the last evidence that was worth one. */
    readonly noticeMs: number;
    readonly halfLifeMs: number;
    /** An account that comes under watch again within `againMs` stays `againTimes` as long, and needs as much more quiet. */
    readonly againMs: number;
    readonly againTimes: number;
  };
  readonly familiar: { readonly calmDays: number; readonly forgetDays: number };
  readonly learning: { readonly days: number; readonly logins: number; readonly factor: number };
  /** A network or country that this many accounts use weighs less; a country needs this share of the accounts too. */
  readonly popular: { readonly accounts: number; readonly factor: number; readonly countryShare: number };
  readonly loginWindowMs: number;
  readonly mailWindowMs: number;
  readonly newNetworks: { readonly each: number; readonly free: number; readonly max: number };
  readonly newCountries: { readonly each: number; readonly free: number; readonly max: number };
  readonly newCountry: { readonly points: number };
  readonly unheardCountry: { readonly each: number; readonly max: number };
  readonly impossibleTravel: {
    readonly withinMs: number;
    readonly first: number;
    readonly eachHop: number;
    readonly oneCountryMax: number;
    readonly eachCountry: number;
    readonly max: number;
  };
  readonly twoPlaces: {
    readonly withinMs: number;
    readonly first: number;
    readonly each: number;
    readonly max: number;
  };
  /** Times at which the owner has less than this share of at least so many logins. */
  readonly sleepingHours: { readonly share: number; readonly loginsMin: number; readonly points: number };
  readonly addressFanout: {
    readonly withinMs: number;
    readonly some: number;
    readonly many: number;
    readonly points: number;
    readonly manyPoints: number;
  };
  readonly hosting: { readonly each: number; readonly max: number };
  /** Logins from unfamiliar networks that send nothing, as Dovecot reports them. */
  readonly silentTests: { readonly points: number };
  readonly recipientBurst: {
    readonly min: number;
    readonly times: number;
    readonly points: number;
    readonly softMin: number;
    readonly softTimes: number;
    readonly softPoints: number;
    readonly usual: number;
  };
  /** `usual`: the share of recipients that bounces anyway; each step asks for so many bounces, and for so small a chance of them. */
  readonly bounces: {
    readonly usual: number;
    readonly someCount: number;
    readonly someChance: number;
    readonly some: number;
    readonly severalCount: number;
    readonly severalChance: number;
    readonly several: number;
    readonly manyCount: number;
    readonly manyChance: number;
    readonly many: number;
  };
  readonly guessingBefore: { readonly addresses: number; readonly withinMs: number; readonly points: number };
  readonly knownGuesser: {
    readonly accounts: number;
    readonly withinMs: number;
    readonly timesFriendly: number;
    readonly points: number;
  };
  /** Whereabouts alone give at most `max`, unless there are `countries` unfamiliar ones in a day; unheard ones count twice. */
  readonly whereabouts: { readonly max: number; readonly countries: number };
  /** Of an account that several people use, whereabouts count by this factor. */
  readonly shared: { readonly factor: number };
  /** Of a device that never moves: the points of any unfamiliar network. */
  readonly device: { readonly points: number };
  readonly newMechanism: { readonly points: number; readonly loginsMin: number };
  readonly strangeSender: { readonly points: number; readonly several: number; readonly severalPoints: number };
  readonly sameSize: {
    readonly within: number;
    readonly some: number;
    readonly eachMails: number;
    readonly points: number;
    readonly many: number;
    readonly manyPoints: number;
  };
  /** More than `networks` distinct networks in `days`: off unless asked for. */
  readonly networkCount: { readonly networks: number; readonly days: number; readonly points: number };
}

export const defaultJudgeSettings: JudgeSettings = {
  levels: { notice: 40, watch: 50, high: 75 },
  leave: {
    below: 20,
    quietMs: 48 * hour,
    stayMs: day,
    noticeMs: day,
    halfLifeMs: day,
    againMs: 7 * day,
    againTimes: 2,
  },
  familiar: { calmDays: 3, forgetDays: 60 },
  learning: { days: 5, logins: 10, factor: 0.5 },
  popular: { accounts: 5, factor: 0.35, countryShare: 0.25 },
  loginWindowMs: day,
  mailWindowMs: 7 * day,
  newNetworks: { each: 7, free: 1, max: 45 },
  newCountries: { each: 14, free: 1, max: 50 },
  newCountry: { points: 6 },
  unheardCountry: { each: 6, max: 18 },
  impossibleTravel: { withinMs: 90 * minute, first: 8, eachHop: 2, oneCountryMax: 15, eachCountry: 14, max: 45 },
  twoPlaces: { withinMs: 14 * hour, first: 12, each: 6, max: 30 },
  sleepingHours: { share: 0.01, loginsMin: 30, points: 6 },
  addressFanout: { withinMs: hour, some: 4, many: 8, points: 15, manyPoints: 35 },
  hosting: { each: 8, max: 24 },
  silentTests: { points: 8 },
  recipientBurst: { min: 30, times: 4, points: 25, softMin: 20, softTimes: 2, softPoints: 10, usual: 25 },
  bounces: {
    usual: 0.015,
    someCount: 2,
    someChance: 0.04,
    some: 22,
    severalCount: 3,
    severalChance: 0.002,
    several: 35,
    manyCount: 5,
    manyChance: 1e-5,
    many: 50,
  },
  guessingBefore: { addresses: 5, withinMs: 48 * hour, points: 10 },
  knownGuesser: { accounts: 3, withinMs: day, timesFriendly: 2, points: 40 },
  whereabouts: { max: 39, countries: 6 },
  shared: { factor: 0.3 },
  device: { points: 50 },
  newMechanism: { points: 10, loginsMin: 5 },
  strangeSender: { points: 12, several: 3, severalPoints: 25 },
  sameSize: { within: 0.02, some: 3, eachMails: 15, points: 10, many: 6, manyPoints: 30 },
  networkCount: { networks: 10, days: 2, points: 0 },
};
