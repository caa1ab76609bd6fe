// Pulls drives out of the running machine and plugs them in again, when guest.ts asks with a file. QEMU's QMP.
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';

const POLL_MS = 100;

/** Answers `ask` (unplug or plug, and the number of the slot) with `answer`, until it is stopped. */
export function serveSlots(out: string): { stop(): void } {
  let connection: Promise<Socket> | undefined;
  const timer = setInterval(() => {
    if (!existsSync(join(out, 'ask'))) return;
    const [what, slot = ''] = readFileSync(join(out, 'ask'), 'utf8').split(' ');
    rmSync(join(out, 'ask'));
    connection ??= connect(join(out, 'qmp'));
    const command = what === 'unplug' ? unplug(slot) : plug(slot);
    void connection.then((socket) => {
      socket.write(command);
      writeFileSync(join(out, 'answer.new'), 'done');
      renameSync(join(out, 'answer.new'), join(out, 'answer'));
    });
  }, POLL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      void connection?.then((socket) => socket.destroy());
    },
  };
}

/** QMP greets first, and takes commands once its capabilities are settled. */
async function connect(path: string): Promise<Socket> {
  const socket = createConnection(path);
  socket.on('error', () => undefined); // the machine ends before us
  socket.setEncoding('utf8');
  await once(socket, 'data');
  socket.write(message('qmp_capabilities', {}));
  await once(socket, 'data');
  socket.on('data', (text: string) => {
    if (text.includes('"error"')) console.error(`QMP: ${text.trim()}`);
  });
  return socket;
}

function unplug(slot: string): string {
  return message('device_del', { id: `drive${slot}` });
}

function plug(slot: string): string {
  return message('device_add', {
    driver: 'nvme',
    id: `drive${slot}`,
    bus: `slot${slot}`,
    serial: `PLAIN${slot}`,
    drive: `plain${slot}`,
  });
}

function message(execute: string, args: Readonly<Record<string, string>>): string {
  return `${JSON.stringify({ execute, arguments: args })}\n`;
}
