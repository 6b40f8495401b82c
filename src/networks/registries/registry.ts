// The registries that we ask, and no other: a referral to a server that is not here is not followed, whoever wrote it.

export interface Registry {
  readonly name: string;
  /** Host of its whois server, port 43. */
  readonly whois: string;
  /** Where its RDAP service stands; empty where it has none. */
  readonly rdap: string;
  /** How an address is asked for. */
  readonly question: (address: string) => string;
}

const plain = (address: string) => address;

export const iana: Registry = { name: "iana", whois: "whois.iana.org", rdap: "", question: plain };

export const registries: readonly Registry[] = [
  iana,
  // -r: no personal objects, which are counted and limited.
  {
    name: "ripe",
    whois: "whois.ripe.net",
    rdap: "https://rdap.db.ripe.net/",
    question: (address) => `-r -T inetnum,inet6num,route,route6 ${address}`,
  },
  {
    name: "arin",
    whois: "whois.arin.net",
    rdap: "https://rdap.arin.net/registry/",
    question: (address) => `n + ${address}`,
  },
  { name: "apnic", whois: "whois.apnic.net", rdap: "https://rdap.apnic.net/", question: (address) => `-r ${address}` },
  { name: "lacnic", whois: "whois.lacnic.net", rdap: "https://rdap.lacnic.net/rdap/", question: plain },
  {
    name: "afrinic",
    whois: "whois.afrinic.net",
    rdap: "https://rdap.afrinic.net/rdap/",
    question: (address) => `-r ${address}`,
  },
  { name: "krnic", whois: "whois.kisa.or.kr", rdap: "", question: plain },
  { name: "jpnic", whois: "whois.nic.ad.jp", rdap: "", question: (address) => `${address}/e` },
  { name: "registro.br", whois: "whois.registro.br", rdap: "https://rdap.registro.br/", question: plain },
];

export function registryOfHost(host: string, known: readonly Registry[] = registries): Registry | undefined {
  return known.find(({ whois }) => whois === host);
}

/** The registry whose RDAP service a redirect leads to. */
export function registryOfUrl(url: string, known: readonly Registry[] = registries): Registry | undefined {
  return known.find(({ rdap }) => rdap !== "" && url.startsWith(rdap));
}
