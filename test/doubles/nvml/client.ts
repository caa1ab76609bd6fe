// Calls the stand-in library as any program would: by symbol, with memory it fills. Gives return codes as they are.
import koffi from 'koffi';

/** Numbers are 32-bit; big numbers are handles and 64-bit; memory is a pointer. */
export type Argument = number | bigint | Buffer | null;

export class NvmlClient {
  readonly #library: ReturnType<typeof koffi.load>;

  constructor(library: string) {
    this.#library = koffi.load(library);
  }

  call(name: string, ...args: readonly Argument[]): number {
    return asCode(this.#bind(name, args)(...args));
  }

  /** On a thread of its own. */
  callAside(name: string, ...args: readonly Argument[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#bind(name, args).async(...args, (error: Error | null, code: unknown) => {
        if (error) reject(error);
        else resolve(asCode(code));
      });
    });
  }

  has(name: string): boolean {
    try {
      this.#bind(name, []);
      return true;
    } catch {
      return false;
    }
  }

  /** Initialised, with the handle of one GPU. */
  open(index: number): bigint {
    this.call('nvmlInit_v2');
    return this.handle('nvmlDeviceGetHandleByIndex_v2', index);
  }

  /** A call whose last argument receives a handle. */
  handle(name: string, ...args: readonly Argument[]): bigint {
    const memory = Buffer.alloc(8);
    const code = this.call(name, ...args, memory);
    if (code !== 0) throw new Error(`${name} gave ${code}`);
    return memory.readBigUInt64LE();
  }

  u32(name: string, ...args: readonly Argument[]): number {
    const memory = Buffer.alloc(4);
    const code = this.call(name, ...args, memory);
    if (code !== 0) throw new Error(`${name} gave ${code}`);
    return memory.readUInt32LE();
  }

  u64(name: string, ...args: readonly Argument[]): bigint {
    return this.handle(name, ...args);
  }

  text(name: string, handle: bigint): string {
    const memory = Buffer.alloc(96);
    const code = this.call(name, handle, memory, memory.length);
    if (code !== 0) throw new Error(`${name} gave ${code}`);
    return memory.toString('latin1', 0, memory.indexOf(0));
  }

  /** Each field's return code and value, in order. */
  fields(
    handle: bigint,
    wanted: readonly { readonly field: number; readonly scope?: number }[],
  ): readonly FieldAnswer[] {
    const memory = Buffer.alloc(40 * wanted.length);
    for (const [at, { field, scope = 0 }] of wanted.entries()) {
      memory.writeUInt32LE(field, 40 * at);
      memory.writeUInt32LE(scope, 40 * at + 4);
    }
    const code = this.call('nvmlDeviceGetFieldValues', handle, wanted.length, memory);
    if (code !== 0) throw new Error(`nvmlDeviceGetFieldValues gave ${code}`);
    return wanted.map((_, at) => ({
      code: memory.readUInt32LE(40 * at + 28),
      value: memory.readBigInt64LE(40 * at + 32),
    }));
  }

  #bind(name: string, args: readonly Argument[]) {
    return this.#library.func(name, 'int', args.map(typeOf));
  }
}

export interface FieldAnswer {
  readonly code: number;
  readonly value: bigint;
}

function typeOf(argument: Argument): string {
  if (typeof argument === 'number') return 'uint32_t';
  return typeof argument === 'bigint' ? 'uint64_t' : 'void *';
}

function asCode(result: unknown): number {
  return Number(result);
}
