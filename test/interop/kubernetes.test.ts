/** The manifest: what it says, what kubectl makes of it, and its probes and commands for real. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { resolveConfig } from '../../src/config/config.js';
import { ROOT, startSidecar } from '../support/sidecar.js';
import { hasTool, output, run } from '../support/tools.js';

const folder = path.join(ROOT, 'deploy/kubernetes');

interface Probe {
  readonly exec: { readonly command: readonly string[] };
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold?: number;
}

interface Container {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly args?: readonly string[];
  readonly ports?: unknown;
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly securityContext: Readonly<Record<string, unknown>>;
}

interface StatefulSet {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly initContainers: readonly Container[];
        readonly containers: readonly Container[];
        readonly volumes: readonly Readonly<Record<string, unknown>>[];
      };
    };
    readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
  };
}

const text = readFileSync(path.join(folder, 'sidecar.yaml'), 'utf8');
const { kind, spec } = parse(text) as StatefulSet;
const pod = spec.template.spec;
const [sidecar, budgets] = pod.initContainers as [Container, Container];
const [agent] = pod.containers as [Container];

describe('the manifest', () => {
  test('is one native sidecar before one agent', () => {
    expect(kind).toBe('StatefulSet');
    expect(pod.initContainers.map(({ name }) => name)).toEqual(['safeguards', 'budgets']);
    expect(sidecar.restartPolicy).toBe('Always');
    expect(budgets.restartPolicy).toBeUndefined();
    expect(pod.containers.map(({ name }) => name)).toEqual(['agent']);
    expect(sidecar.ports).toBeUndefined();
  });

  test('runs nothing as root, with nothing to gain', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 10001,
      fsGroup: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of [sidecar, budgets, agent]) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    expect(agent.securityContext['runAsUser']).not.toBe(pod.securityContext['runAsUser']);
  });

  test('keeps the data, and the token in it, from the agent', () => {
    const mounts = ({ volumeMounts }: Container) => volumeMounts.map(({ name }) => name);
    expect(mounts(sidecar)).toEqual(['data', 'run']);
    expect(mounts(agent)).toEqual(['run']);
    expect(agent.volumeMounts).toMatchObject([{ readOnly: true }]);
    expect(spec.volumeClaimTemplates.map(({ metadata }) => metadata.name)).toEqual(['data']);
    const made = ['data', ...pod.volumes.map(({ name }) => name)];
    const used = [sidecar, budgets, agent].flatMap(mounts);
    expect(new Set(used)).toEqual(new Set(made));
  });

  test('agrees with the image and the settings about places', () => {
    const dockerfile = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
    const data = sidecar.volumeMounts.find(({ name }) => name === 'data')?.mountPath;
    expect(dockerfile).toContain(`SAFEGUARDS_DATA_DIR=${data}\n`);
    expect(dockerfile).toContain(`USER ${String(pod.securityContext['runAsUser'])}:`);
    const socket = sidecar.env?.find(({ name }) => name === 'SAFEGUARDS_AGENT_SOCKET')?.value;
    expect(agent.env).toContainEqual({ name: 'SAFEGUARDS_ADDRESS', value: `unix:${socket}` });
  });

  test('probes in the container, with time to answer and time to verify a store', () => {
    const { startupProbe, readinessProbe, livenessProbe } = sidecar;
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      expect(probe?.exec.command).toEqual(['node', '/app/health.mjs']);
      // The probe itself gives up after 3 s.
      expect(probe?.timeoutSeconds).toBeGreaterThan(3);
    }
    const { periodSeconds = 0, failureThreshold = 0 } = startupProbe ?? {};
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(600);
  });

  test('serves until the agent has left, and leaves itself in time', () => {
    const environment = Object.fromEntries(
      (sidecar.env ?? []).map(({ name, value }) => [name, value]),
    );
    const { shutdownLingerMs, shutdownGraceMs } = resolveConfig({ environment });
    expect(shutdownLingerMs).toBeGreaterThan(0);
    // With 5 s to close the store, before it is killed.
    const needed = shutdownLingerMs + shutdownGraceMs + 5_000;
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThanOrEqual(needed);
  });

  test('has commands and a document that work, again and again', async () => {
    const script = path.join(ROOT, 'dist/main.js');
    const running = await startSidecar();
    try {
      const document = path.join(folder, 'budgets.yaml');
      const words = (budgets.args ?? []).map((word) =>
        word === '/etc/safeguards/budgets.yaml' ? document : word,
      );
      const environment = {
        SAFEGUARDS_DATA_DIR: running.dataDir,
        SAFEGUARDS_ADMIN_ADDRESS: running.admin,
        SAFEGUARDS_ADDRESS: `unix:${running.socket}`,
      };
      const cli = (...given: readonly string[]) =>
        output(process.execPath, [script, ...given], { environment });
      expect(await cli(...words)).toContain('9 change(s)');
      const [line = ''] = agent.args ?? [];
      const spend = /safeguards (spend [^;]+);/.exec(line)?.[1]?.split(' ') ?? [];
      expect(await cli(...spend)).toContain('199.99 USD available');
      expect(await cli(...words)).toContain('0 change(s)');
      expect(await cli('budget', 'get', 'worker')).toContain('199.99');
    } finally {
      await running.stop();
    }
  });
});

test('the example agent leaves as soon as it is told to', async () => {
  const bin = mkdtempSync(path.join(tmpdir(), 'safeguards-agent-'));
  const called = path.join(bin, 'called');
  writeFileSync(path.join(bin, 'safeguards'), `#!/bin/sh\ntouch '${called}'\n`, { mode: 0o755 });
  const environment = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const child = spawn('sh', ['-c', ...(agent.args ?? [])], { env: environment, stdio: 'ignore' });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await expect.poll(() => existsSync(called), { timeout: 10_000 }).toBe(true);
  const told = Date.now();
  child.kill('SIGTERM');
  expect(await gone).toBe(0);
  expect(Date.now() - told).toBeLessThan(3_000);
  rmSync(bin, { recursive: true });
});

const canKustomize = hasTool('kubectl', 'kubectl', ['kustomize', folder]);

describe.skipIf(!canKustomize)('kubectl kustomize', () => {
  test('names the document by its content and the image by its tag', async () => {
    const made = await output('kubectl', ['kustomize', folder]);
    const documents = parseAllDocuments(made).map((document) => document.toJS() as Made);
    const map = documents.find((found) => found.kind === 'ConfigMap');
    const set = documents.find((found) => found.kind === 'StatefulSet') as StatefulSet | undefined;
    expect(map?.metadata?.name).toMatch(/^budgets-\w+$/);
    const made_ = set?.spec.template.spec;
    expect(made_?.volumes).toContainEqual({
      name: 'budgets',
      configMap: { name: map?.metadata?.name },
    });
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    for (const container of [...(made_?.initContainers ?? []), ...(made_?.containers ?? [])]) {
      expect(container).toMatchObject({ image: `safeguards:${version}` });
    }
  });
});

interface Made {
  readonly kind: string;
  readonly metadata?: { readonly name: string };
}

const python = process.env['SAFEGUARDS_PYTHON'] ?? 'python3';
const canValidate = hasTool('Python with kubernetes-validate', python, [
  '-c',
  'import kubernetes_validate',
]);

describe.skipIf(!canValidate)('the schemas of Kubernetes', () => {
  test.each(['1.29', '1.35'])('%s: no unknown and no missing field', async (version) => {
    const file = path.join(folder, 'sidecar.yaml');
    const words = ['-m', 'kubernetes_validate', '--strict', '-k', `${version}.0`, file];
    const { code, out, err } = await run(python, words);
    expect(code, out + err).toBe(0);
  });
});
