// Networks that say less about where a person is than others do: rented servers and VPN exits, clouds that fetch and send mail
// for people, satellites. By autonomous system; dated, because such lists age.

export interface NetworkLists {
  /** The day they were looked over, YYYY-MM-DD. */
  readonly asOf: string;
  /** Rented servers, VPN and proxy exits: no country, and suspicious by itself. */
  readonly hosting: ReadonlySet<number>;
  /** Fetchers, "send as" and mail apps that log in from their maker's cloud: no network of the person's at all. */
  readonly mailCloud: ReadonlySet<number>;
  /** Satellite access, whose addresses belong to a ground station: no country. */
  readonly satellite: ReadonlySet<number>;
}

/** What ships. An operator adds and removes by settings. */
const shippedLists: NetworkLists = {
  asOf: "2026-11-24",
  hosting: new Set([
    // Hetzner, OVH, DigitalOcean, Leaseweb (several), Linode/Akamai, Vultr, Contabo, ColoCrossing, Scaleway
    24940, 213230, 16276, 14061, 60781, 28753, 30633, 59253, 16265, 63949, 20473, 51167, 36352, 12876,
    // M247, Datacamp/CDN77, 31173 Services, Mullvad's and other VPN carriers
    9009, 212238, 60068, 39351, 216025, 209103, 136787, 147049, 62371, 25369, 8100, 46562,
    // Amazon, Alibaba, Tencent, Oracle, Cloudflare, IONOS, Hostinger, GoDaddy, Namecheap, IPXO, PacketHub
    16509, 14618, 45102, 37963, 132203, 45090, 31898, 13335, 8560, 47583, 26496, 22612, 834, 206092, 207137,
    // HostRoyale, Psychz, QuadraNet, Choopa's and Sharktech's relatives, FranTech, Aeza, Selectel, Serverius
    203020, 40676, 29073, 202425, 53667, 210644, 49505, 50673, 49981, 197540, 201011, 42708, 200019,
  ]),
  mailCloud: new Set([15169, 396982, 8075, 8068, 36646, 26101, 714, 6185, 13238, 47764]),
  satellite: new Set([14593, 45700, 7155, 40306, 22351, 10538]),
};

/** What an operator adds to the lists, by system. A system stands in one list only: the last named one holds. */
export interface ListChanges {
  readonly hosting?: readonly number[] | undefined;
  readonly mail_cloud?: readonly number[] | undefined;
  readonly satellite?: readonly number[] | undefined;
  /** Systems that a shipped list names wrongly. */
  readonly access?: readonly number[] | undefined;
}

/** The shipped lists with an operator's changes. */
export function listsWith({ hosting = [], mail_cloud = [], satellite = [], access = [] }: ListChanges): NetworkLists {
  const moved = new Set([...hosting, ...mail_cloud, ...satellite, ...access]);
  const kept = (list: ReadonlySet<number>, added: readonly number[]) =>
    new Set([...[...list].filter((asn) => !moved.has(asn)), ...added]);
  return {
    asOf: shippedLists.asOf,
    hosting: kept(shippedLists.hosting, hosting),
    mailCloud: kept(shippedLists.mailCloud, mail_cloud),
    satellite: kept(shippedLists.satellite, satellite),
  };
}
