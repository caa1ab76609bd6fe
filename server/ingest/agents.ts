// The socket.io namespace /agents: binds each connection to a session. No payload can end the process.
import type { Namespace, Socket } from 'socket.io';
import type { Log } from '../log.ts';
import { sendAck } from '../sockets.ts';
import { AgentSession, type SessionContext } from './session.ts';

/** A client that has not introduced itself by then is not an agent. */
const HELLO_WITHIN_MS = 30_000;

export function serveAgents(agents: Namespace, context: SessionContext): void {
  agents.on('connection', (socket) => {
    serveAgent(socket, context);
  });
}

function serveAgent(socket: Socket, context: SessionContext): void {
  const session = new AgentSession(context, {
    address: socket.handshake.address,
    ack: (seq) => {
      sendAck(socket, seq);
    },
    backlogAck: (count) => void socket.emit('backlog_ack', count),
    resync: () => void socket.emit('resync'),
    notice: (code, message) => void socket.emit('notice', { code, message }),
    disconnect: () => void socket.disconnect(true),
  });
  const timer = setTimeout(() => {
    if (!session.greeted) socket.disconnect(true);
  }, HELLO_WITHIN_MS);
  const on = (event: string, handle: (...args: readonly unknown[]) => void): void => {
    socket.on(event, (...args: readonly unknown[]) => {
      guard(context.log, session, event, () => {
        handle(...args);
      });
    });
  };
  on('hello', (message, reply) => {
    if (typeof reply !== 'function') throw new TypeError('the hello asks for no reply');
    Reflect.apply(reply, undefined, [session.hello(message)]);
  });
  on('schema', (message) => {
    session.schema(message);
  });
  on('inventory', (message) => {
    session.inventory(message);
  });
  on('owners', (owners) => {
    session.owners(owners);
  });
  on('fabric', (sweep) => {
    session.fabric(sweep);
  });
  on('clock', (message) => {
    session.clock(message);
  });
  on('frame', (bytes) => {
    session.frame(bytes);
  });
  on('backlog_schema', (message) => {
    session.backlogSchema(message);
  });
  on('backlog', (bytes) => {
    session.backlogFrame(bytes);
  });
  on('gap', (message) => {
    session.gap(message);
  });
  on('backlog_end', () => {
    session.backlogEnd();
  });
  socket.on('disconnect', () => {
    clearTimeout(timer);
    session.end();
  });
}

/** Whatever a handler throws about is the sender's fault or ours, but never the end of the process. */
function guard(log: Log, session: AgentSession, event: string, handle: () => void): void {
  try {
    handle();
  } catch (error) {
    log.warn('a message of an agent could not be handled', { event, error: String(error) });
    session.strike(event);
  }
}
