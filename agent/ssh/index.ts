// The door for the server: connections to hosts whose keys are pinned, how they fail, when to try again.
export { BackOff } from './back-off.ts';
export { connectSsh, type SshConnection, type SshTarget } from './connection.ts';
export { failureOf, SshFailure, type SshFailureKind } from './failure.ts';
export { Gate } from './gate.ts';
export { parseHostKey, type HostKeyPin } from './host-key.ts';
export { readSecretFile } from './secret-file.ts';
