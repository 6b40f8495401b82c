// The atoms of all rules, each once, in indexes by the part of the request they look at.

import { type Ip, printNetwork } from "../../core/ip.ts";
import { NetworkTree } from "../../core/network-tree.ts";
import type { Request } from "../request.ts";
import { AddressIndex } from "./address-index.ts";
import type { Circuit, Wire } from "./circuit.ts";
import type { Pattern } from "./expression.ts";
import { NameIndex } from "./name-index.ts";
import { otherSpelling, parts, splitAddress } from "./subject.ts";

/** A pattern that is answered by the request itself; groups are not. */
export type AtomPattern = Exclude<Pattern, { readonly kind: "group" }>;

/** Where an atom stands; in a group it takes the side from which the group is asked. */
export type AtomSide = "source" | "destination";

/** How seldom an atom is true, roughly: it decides which of a rule's atoms is waited for. */
const weights = { whole: 1, wildcard: 10, network: 10, common: 1000 } as const;

/** Turns patterns into wires of a circuit, and a request into the wires that are true. */
export class Atoms {
  readonly #circuit: Circuit;
  readonly #canonical: (login: string) => string;
  readonly #wires = new Map<string, Wire>();
  readonly #clients = new NetworkTree<Wire>();
  readonly #peers = new NetworkTree<Wire>();
  readonly #senders = new AddressIndex();
  readonly #recipients = new AddressIndex();
  readonly #logins = new NameIndex();
  readonly #names = new NameIndex();
  readonly #reverseNames = new NameIndex();
  readonly #contexts = new Map<string, Wire>();
  readonly #ports: { readonly from: number; readonly to: number; readonly wire: Wire }[] = [];
  readonly #networksFound: Wire[] = [];
  readonly #set: (wire: Wire) => void;

  /** `canonical` gives the account of a login (lower case); logins without a wildcard are compared as accounts. */
  constructor(circuit: Circuit, canonical: (login: string) => string) {
    this.#circuit = circuit;
    this.#canonical = canonical;
    this.#set = (wire) => circuit.set(wire);
  }

  /** The wire of a pattern, the same for equal patterns; undefined where the side has nothing it could look at. */
  wireOf(pattern: AtomPattern, side: AtomSide): Wire | undefined {
    if (side === "destination" && pattern.kind !== "address") return undefined;
    const key = `${side} ${this.#keyOf(pattern)}`;
    const known = this.#wires.get(key);
    if (known !== undefined) return known;
    const wire = this.#circuit.addAtom(partOf(pattern, side), weightOf(pattern));
    this.#wires.set(key, wire);
    this.#index(pattern, side, wire);
    return wire;
  }

  #keyOf(pattern: AtomPattern): string {
    switch (pattern.kind) {
      case "client":
      case "peer":
        return `${pattern.kind} ${printNetwork(pattern.network)}`;
      case "login":
        return `login ${this.#loginOf(pattern.glob)}`;
      case "address":
        return `address ${pattern.local}@${pattern.domain}`;
      case "name":
      case "ptr":
        return `${pattern.kind} ${pattern.glob}`;
      case "port":
        return `port ${pattern.from}-${pattern.to}`;
      case "context":
        return `context ${pattern.label}`;
      case "tls":
        return pattern.on ? "tls" : "no-tls";
      case "any-login":
      case "no-login":
      case "null-sender":
        return pattern.kind;
    }
  }

  #loginOf(glob: string): string {
    return glob.includes("*") ? glob : this.#canonical(glob);
  }

  #index(pattern: AtomPattern, side: AtomSide, wire: Wire): void {
    switch (pattern.kind) {
      case "client":
        this.#clients.add(pattern.network, wire);
        break;
      case "peer":
        this.#peers.add(pattern.network, wire);
        break;
      case "login":
        this.#logins.add(this.#loginOf(pattern.glob), wire);
        break;
      case "address":
        (side === "source" ? this.#senders : this.#recipients).add(pattern.local, pattern.domain, wire);
        break;
      case "name":
        this.#names.add(pattern.glob, wire);
        break;
      case "ptr":
        this.#reverseNames.add(pattern.glob, wire);
        break;
      case "port":
        this.#ports.push({ from: pattern.from, to: pattern.to, wire });
        break;
      case "context":
        this.#contexts.set(pattern.label, wire);
        break;
      case "tls":
      case "any-login":
      case "no-login":
      case "null-sender":
        break; // found in #wires by their key
    }
  }

  /** Sets every atom that is true of the request, of which `missing` (bits) is not known. `circuit.begin` came before. */
  setAll(request: Request, missing: number): void {
    if (request.client !== undefined) this.#setNetworks(this.#clients, request.client);
    if (request.peer !== undefined) this.#setNetworks(this.#peers, request.peer);
    if (request.sender !== "") this.#setAddress(this.#senders, request.sender);
    else if ((missing & parts.sender) === 0) this.#setFlag("source null-sender");
    if (request.recipient !== "") this.#setAddress(this.#recipients, request.recipient);
    this.#setLogin(request.login);
    if (request.clientName !== "") this.#setHost(this.#names, request.clientName);
    if (request.reverseName !== "") this.#setHost(this.#reverseNames, request.reverseName);
    if ((missing & parts.connection) === 0) this.#setSession(request);
    for (const { from, to, wire } of this.#ports) {
      if (request.serverPort >= from && request.serverPort <= to) this.#set(wire);
    }
  }

  #setSession({ context, tls }: Request): void {
    const wire = this.#contexts.get(context);
    if (wire !== undefined) this.#set(wire);
    this.#setFlag(tls === "" ? "source no-tls" : "source tls");
  }

  #setNetworks(tree: NetworkTree<Wire>, ip: Ip): void {
    this.#networksFound.length = 0;
    tree.collect(ip, this.#networksFound);
    for (const wire of this.#networksFound) this.#set(wire);
  }

  #setFlag(key: string): void {
    const wire = this.#wires.get(key);
    if (wire !== undefined) this.#set(wire);
  }

  #setAddress(index: AddressIndex, address: string): void {
    const [local, domain] = splitAddress(address);
    index.each(local, domain, this.#set);
    const other = otherSpelling(domain);
    if (other !== undefined) index.each(local, other, this.#set);
  }

  #setHost(index: NameIndex, name: string): void {
    index.whole(name, this.#set);
    index.wild(name, this.#set);
    const other = otherSpelling(name);
    if (other === undefined) return;
    index.whole(other, this.#set);
    index.wild(other, this.#set);
  }

  /** A wildcard is compared with the login as it was used and with its account; a plain pattern with the account. */
  #setLogin(login: string): void {
    this.#setFlag(login === "" ? "source no-login" : "source any-login");
    if (login === "") return;
    const account = this.#canonical(login);
    this.#logins.whole(account, this.#set);
    this.#logins.wild(account, this.#set);
    if (account !== login) this.#logins.wild(login, this.#set);
  }
}

function partOf(pattern: AtomPattern, side: AtomSide): number {
  switch (pattern.kind) {
    case "client":
      return parts.client;
    case "null-sender":
      return parts.sender;
    case "address":
      return side === "source" ? parts.sender : parts.recipient;
    case "port":
      return parts.port;
    case "peer":
    case "name":
    case "ptr":
    case "context":
    case "tls":
      return parts.connection;
    default:
      return 0;
  }
}

function weightOf(pattern: AtomPattern): number {
  switch (pattern.kind) {
    case "client":
      return weights.network;
    case "address":
      return `${pattern.local}${pattern.domain}`.includes("*") ? weights.wildcard : weights.whole;
    case "login":
    case "name":
    case "ptr":
      return pattern.glob.includes("*") ? weights.wildcard : weights.whole;
    default:
      return weights.common;
  }
}
