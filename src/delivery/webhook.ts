import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Instant } from '../domain/model.js';
import type { AddressPolicy } from '../domain/notification/address-policy.js';
import type { WebhookHeader } from '../domain/notification/channel.js';
import { judgeStatus, RETRY_POLICY, retryAfterMs } from '../domain/notification/retry.js';
import type { ContentType } from '../domain/notification/template.js';
import { hostOf, hostRefusal, withAdvice } from '../domain/notification/webhook-url.js';
import { excerptOf } from './excerpt.js';
import { exchange, type HttpAnswer, type NoAnswer } from './exchange.js';
import { judgingLookup, resolveBySystem, type Resolve } from './lookup.js';
import { judgeFailure } from './network-failure.js';
import { refused, type SendResult } from './send-result.js';
import { SIGNATURE_HEADER, signatureOf } from './signature.js';

/** How long a webhook may take and how much of its answer is read. */
export interface WebhookLimits {
  readonly totalMsMax: number;
  readonly connectMsMax: number;
  readonly bodyMsMax: number;
  readonly bodyBytesMax: number;
}

/** The limits in force: 10 s in all, 3 s of them to connect; 1 s and 4 KiB of the answer's body. */
export const WEBHOOK_LIMITS: WebhookLimits = {
  totalMsMax: 10_000,
  connectMsMax: 3_000,
  bodyMsMax: 1_000,
  bodyBytesMax: 4_096,
};

/** What a sender works with. */
export interface WebhookOptions {
  readonly policy: AddressPolicy;
  readonly now: () => Instant;
  /** Of the sidecar, for User-Agent. */
  readonly version: string;
  readonly limits?: WebhookLimits;
  readonly resolve?: Resolve;
  /** Authorities in PEM that are trusted instead of Node's own. */
  readonly ca?: readonly string[];
}

/** One POST. */
export interface WebhookPost {
  readonly url: string;
  readonly headers: readonly WebhookHeader[];
  readonly secrets: readonly string[];
  readonly contentType: ContentType;
  readonly body: Uint8Array;
  readonly deliveryId: string;
  readonly sequence: number;
}

/** Sends webhooks over connections that it keeps for a while. */
export interface WebhookSender {
  /** Sends one POST. Never rejects. */
  send(post: WebhookPost, signal: AbortSignal): Promise<SendResult>;
  /** Closes the connections. */
  close(): void;
}

/** An idle connection is closed after so long, well before the minute that most servers wait. */
const IDLE_MS = 15_000;

/** Connections kept per host, and open ones per host; the dispatcher bounds those of all hosts. */
const AGENT_OPTIONS = {
  keepAlive: true,
  maxSockets: 16,
  maxFreeSockets: 2,
  timeout: IDLE_MS,
} as const;

/** Shorter parts of a URL or header are words that answers may use. */
const PART_CHARS_MIN = 8;

/** Starts a sender. */
export function createWebhookSender(options: WebhookOptions): WebhookSender {
  const { policy, now, limits = WEBHOOK_LIMITS } = options;
  const agents = { http: new http.Agent(AGENT_OPTIONS), https: new https.Agent(AGENT_OPTIONS) };
  const lookup = judgingLookup(options.resolve ?? resolveBySystem, policy);

  async function send(post: WebhookPost, signal: AbortSignal): Promise<SendResult> {
    const url = URL.canParse(post.url) ? new URL(post.url) : undefined;
    if (url === undefined) return refused('the URL is not one; correct it');
    // A socket does not look an address up, so the lookup would never see it.
    const refusal = hostRefusal(hostOf(url), policy);
    if (refusal !== undefined) return refused(`the URL names ${withAdvice(refusal)}`);
    const answered = await exchangeTwice(post, url, signal);
    return 'error' in answered
      ? judgeFailure(answered.error)
      : judgeAnswer(answered, now(), (body) => excerptOf(body, secretsOf(post, url)));
  }

  /** A server may close an idle connection just as it is used again; then a new one is tried. */
  async function exchangeTwice(post: WebhookPost, url: URL, signal: AbortSignal) {
    const first = await attempt(post, url, signal);
    return 'error' in first && first.reused && !signal.aborted ? attempt(post, url, signal) : first;
  }

  function attempt(post: WebhookPost, url: URL, signal: AbortSignal) {
    return exchange({
      url,
      headers: headersOf(post, options.version, now()),
      body: post.body,
      agent: url.protocol === 'https:' ? agents.https : agents.http,
      lookup: lookup satisfies LookupFunction,
      ca: options.ca,
      ...limits,
      signal,
    }) satisfies Promise<HttpAnswer | NoAnswer>;
  }

  return {
    send,
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function headersOf(post: WebhookPost, version: string, now: Instant): Record<string, string> {
  const signed = post.secrets.length > 0;
  return {
    ...Object.fromEntries(post.headers.map(({ name, value }) => [name, value])),
    'Content-Type':
      post.contentType === 'text/plain' ? 'text/plain; charset=utf-8' : 'application/json',
    'Content-Length': String(post.body.length),
    'User-Agent': `safeguards/${version}`,
    'Safeguards-Delivery': post.deliveryId,
    'Safeguards-Event-Sequence': String(post.sequence),
    ...(signed && { [SIGNATURE_HEADER]: signatureOf(post.secrets, now, post.body) }),
  };
}

/** Everything of a request that its receiver may repeat and nobody else may read. */
function secretsOf(
  { url, headers, secrets }: WebhookPost,
  { pathname, search, searchParams }: URL,
) {
  const values = headers.map(({ value }) => value);
  // A token without its scheme is as good as with it, and so is the end of a path without its beginning.
  const words = values.flatMap((value) => value.split(' '));
  const parts = [...words, ...searchParams.values(), ...pathname.split('/')];
  const long = parts.filter(({ length }) => length >= PART_CHARS_MIN);
  return [url, `${pathname}${search}`, pathname, ...secrets, ...values, ...long];
}

function judgeAnswer(
  { status, retryAfter, body }: HttpAnswer,
  now: Instant,
  quote: (body: Uint8Array) => string,
): SendResult {
  const common = { status, excerpt: quote(body) };
  const kind = judgeStatus(status);
  switch (kind) {
    case 'DELIVERED':
      return { kind, ...common };
    case 'RETRY': {
      const reason = `answered with status ${status}`;
      const wait = retryAfterMs(retryAfter, now, RETRY_POLICY.retryAfterMsMax);
      return { kind, ...common, reason, retryAfterMs: wait };
    }
    case 'REFUSED': {
      const isRedirect = status >= 300 && status <= 399;
      const advice = isRedirect ? '; redirects are not followed, so give the URL they lead to' : '';
      return { kind, ...common, reason: `answered with status ${status}${advice}` };
    }
  }
}
