// The command line of a managed switch: banner, prompt, echo, pager, and an answer for each command that it knows.
import type { AuthContext, Channel } from 'ssh2';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSshServer, type StandIn } from './ssh-server.ts';

export const PASSWORD = 'only-looks';
const BANNER = '\r\nNVIDIA Onyx Switch Management\r\n\r\nLast login: Tue Nov 24 from 10.0.0.9 {unknown}\r\n\r\n';

export interface SwitchScript {
  /** By command; others are refused as the switch does. */
  readonly answers: Readonly<Record<string, string>>;
  readonly host?: string;
  /** Lines of a page while the pager is on. */
  readonly pageLines?: number;
  /** Called with every command before it is answered; true: there will be no answer. */
  readonly intercept?: (command: string, channel: Channel) => boolean;
}

export interface StandInSwitch extends StandIn {
  /** Every command, as it came. */
  readonly commands: readonly string[];
  readonly passwordFile: string;
}

export async function startSwitch(script: SwitchScript): Promise<StandInSwitch> {
  const commands: string[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'whyidle-switch-'));
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const server = await startSshServer({
    authenticate: (context: AuthContext) => {
      if (context.method === 'password' && context.password === PASSWORD) context.accept();
      else context.reject(['password']);
    },
    onShell: (channel) => {
      serveTerminal(channel, script, commands);
    },
  });
  const end = server.stop;
  const stop = async (): Promise<void> => {
    await end();
    rmSync(directory, { recursive: true, force: true });
  };
  return Object.defineProperties(server, {
    commands: { value: commands },
    passwordFile: { value: passwordFile },
    stop: { value: stop },
  }) as StandInSwitch; // its properties have just been added
}

function serveTerminal(channel: Channel, script: SwitchScript, commands: string[]): void {
  const { answers, host = 'ib-leaf1', pageLines = 0, intercept } = script;
  let mark = '>';
  let isPaging = pageLines > 0;
  let typed = '';
  let pages: string[] = [];
  const prompt = (): void => {
    channel.write(`${host} [standalone: master] ${mark} `);
  };
  const page = (): void => {
    channel.write(pages.shift() ?? '');
    if (pages.length > 0) channel.write('lines 1-24 ');
    else prompt();
  };
  const run = (command: string): void => {
    commands.push(command);
    channel.write(`${command}\r\n`);
    if (intercept?.(command, channel)) return;
    if (command === 'enable') mark = '#';
    else if (command === 'no cli session paging enable') isPaging = false;
    else if (command !== '') {
      const lines = (answers[command] ?? '% Unrecognized command "json-print".').split('\n');
      const text = lines.map((line) => `${line}\r\n`);
      const size = isPaging ? pageLines : text.length;
      pages = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
        text.slice(index * size, (index + 1) * size).join(''),
      );
      page();
      return;
    }
    prompt();
  };
  channel.on('error', () => undefined);
  channel.on('data', (chunk: Buffer) => {
    for (const letter of chunk.toString('latin1')) {
      if (pages.length > 0) {
        channel.write('\r\u001b[K');
        page();
      } else if (letter === '\n') {
        const command = typed;
        typed = '';
        run(command);
      } else typed += letter;
    }
  });
  channel.write(BANNER);
  prompt();
}

/** Answers in the layouts of the manuals; numbers are made up. */
export const healthyAnswers: Readonly<Record<string, string>> = {
  'show version | json-print': `{
    "Uptime": "2d 13h 40m 34.992s",
    "Product name": "MLNX-OS",
    "System serial num": "MT1708X07233",
    "Product release": "3.6.5000"
}`,
  'show inventory': `-----------------------------------------------------------------------
Module       Part Number          Serial Number    Asic Rev.    HW Rev.
-----------------------------------------------------------------------
CHASSIS      MQM8700-HS2F         MT1926X00123     N/A          A7
PS1          MTEF-PSF-AC-A        MT1926X00456     N/A          A3`,
  'show temperature': `-----------------------------------------------------------
Module      Component          Reg   CurTemp      Status
                                     (Celsius)
-----------------------------------------------------------
MGMT        ASIC               T1    58.00        OK
MGMT        Ports AMB temp     T1    25.50        OK
PS1         power-mon          T1    31.00        OK
PS2         power-mon          T1    -            N/A`,
  'show fan': `------------------------------------------------------
Module     Device     Fan     Speed        Status
                              (RPM)
------------------------------------------------------
FAN1       FAN        F1      6330.00      OK
FAN1       FAN        F2      5530.00      OK
FAN2       FAN        F1      0.00         FAILED
PS2        FAN        -       -            NOT PRESENT`,
  'show power': `---------------------------------------------------------------------------
Module  Power      Voltage   Current   Capacity    Feed   Status
        (Watts)    (Volts)   (Amp)     (Watts)
---------------------------------------------------------------------------
PS1     120.25     12.03     10.00     1100.00     DC     OK
PS2     0.00       0.00      0.00      1100.00     DC     FAIL
PS3     -          -         -         -           -      NOT PRESENT`,
  'show interfaces ib status | json-print': `{
    "IB1/1": [{"Logical port state": "Active", "Physical port state": "LinkUp", "Speed": "hdr"}],
    "IB1/32/2": [{"Logical port state": "Down", "Physical port state": "Polling", "Speed": "-"}],
    "Vlan 1002": [{"State": "Down"}]
}`,
  'show health-report': `Health report:
2026/11/20 10:14:02 : PS2 : Power supply not responding`,
};
