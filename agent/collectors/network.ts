// Network interfaces: /proc/net/dev, and sys/class/net/IF/{speed,operstate}. Documentation/ABI/testing/sysfs-class-net.
// Every interface but the loopback; a speed only of those that say one.
import { isAbsent } from '#agent/contract';
import { NetDevParser, type NetDevLine } from '../parse/net-dev.ts';
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { NetworkInterface } from './network/interface.ts';
import { ParsedFile } from './parsed-file.ts';

export const network: Collector = { area: 'network', start: (context) => new NetworkReader(context) };

const LOOPBACK = 'lo';

class NetworkReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #file: ParsedFile<readonly string[]>;
  readonly #interfaces = new Map<string, NetworkInterface>();
  /** In the order of the file, which rarely changes: so a line finds its interface without making a string of its name. */
  #inOrder: readonly NetworkInterface[] = [];
  #reading = 0;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('network', context);
    const parser = new NetDevParser();
    this.#file = new ParsedFile(context, 'proc/net/dev', {
      parse: (bytes, source) => this.#readLines(parser, bytes, source),
    });
  }

  discover(): void {
    this.#file.reopen();
    const strangers = this.#file.read();
    if (isAbsent(strangers)) {
      if (strangers.reason === 'not_present') for (const one of this.#interfaces.values()) this.#remove(one);
      this.#presence.set(this.#interfaces.size > 0 ? undefined : strangers.reason);
      return;
    }
    for (const one of this.#interfaces.values()) if (one.lastReading !== this.#reading) this.#remove(one);
    for (const name of strangers) this.#interfaces.set(name, new NetworkInterface(this.#context, name));
    this.#inOrder = [...this.#interfaces.values()];
    this.#presence.set(this.#interfaces.size > 0 ? undefined : 'not_present');
    // What is new has its values from the start.
    if (strangers.length > 0) this.#file.read();
    for (const name of strangers) this.#interfaces.get(name)?.readState();
  }

  read(lane: ReadLane): ReadResult {
    switch (lane) {
      case 'fast':
        return this.#readCounters();
      case 'medium':
        return 'ok';
      case 'slow':
        for (const one of this.#interfaces.values()) one.readState();
        return 'ok';
    }
  }

  stop(): void {
    for (const one of this.#interfaces.values()) this.#remove(one);
    this.#file.close();
    this.#presence.remove();
  }

  #readCounters(): ReadResult {
    const strangers = this.#file.read();
    let missing = false;
    for (const one of this.#interfaces.values()) {
      if (isAbsent(strangers)) one.absent(strangers.reason);
      else if (one.lastReading !== this.#reading) {
        one.absent('not_present');
        missing = true;
      }
    }
    if (isAbsent(strangers))
      return strangers.reason === 'not_present' && this.#interfaces.size > 0 ? 'rediscover' : 'ok';
    return missing || strangers.length > 0 ? 'rediscover' : 'ok';
  }

  /** Gives every line to its interface; returns the names that have none. */
  #readLines(parser: NetDevParser, bytes: Buffer, source: string): readonly string[] {
    this.#reading++;
    let place = 0;
    let strangers: string[] | undefined;
    parser.parse(bytes, source, (line) => {
      const one = this.#interfaceOf(line, place);
      if (one) {
        one.set(line, this.#reading);
        place++;
      } else if (line.name !== LOOPBACK) (strangers ??= []).push(line.name);
    });
    return strangers ?? nobody;
  }

  #interfaceOf(line: NetDevLine, place: number): NetworkInterface | undefined {
    const expected = this.#inOrder[place];
    return expected?.isNamedAs(line) ? expected : this.#interfaces.get(line.name);
  }

  #remove(one: NetworkInterface): void {
    this.#interfaces.delete(one.name);
    this.#inOrder = [...this.#interfaces.values()];
    one.remove();
  }
}

const nobody: readonly string[] = [];
