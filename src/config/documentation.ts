import { CLIENT_VARIABLES } from './warnings.js';
import { flagOf, LIMITS, SETTINGS, variableOf, type Setting } from './settings.js';

/** The text of docs/configuration.md, which a test holds equal to this. */
export function configurationDocument(): string {
  return `# Configuration

Every setting has one name. It can be given as a flag, as an environment variable and in a YAML file
named by \`--config\` or \`SAFEGUARDS_CONFIG\`; the first of these that gives it wins, else the
default holds. The flag of \`agent_listen\` is \`${flagOf('agent_listen')}\`, its variable
\`${variableOf('agent_listen')}\`, and in the file it is \`agent_listen: ...\`. Whatever is wrong is
reported at once, and then nothing starts.

Durations are written like \`250ms\`, \`60s\`, \`5m\`, \`24h\`, \`7d\`, sizes like \`512KiB\`,
\`4MiB\`, \`64GiB\`, everything else as a plain number or word. Paths are relative to the working
directory. A variable that starts with \`SAFEGUARDS_\` and is no setting has no effect but a warning;
the command line client reads ${CLIENT_VARIABLES.slice(1)
    .map((name) => `\`${name}\``)
    .join(', ')} too.

This page is printed by \`safeguards config docs\`.

## Settings

${table(SETTINGS)}

## Limits

Everything is bounded. GetServerInfo shows the bounds in force under these names.

${table(LIMITS)}
`;
}

function table(rows: Readonly<Record<string, Setting<unknown>>>): string {
  const lines = Object.entries(rows).map(([name, { type, default: standard, description }]) => {
    const shown = standard === '' ? '(none)' : `\`${standard}\``;
    return `| \`${name}\` | ${type.unit} | ${shown} | ${type.range} | ${description} |`;
  });
  return ['| name | unit | default | range | what it is |', '|---|---|---|---|---|', ...lines].join(
    '\n',
  );
}
