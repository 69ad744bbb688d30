import { AGENTS } from '../requests.js';

/**
 * A spend as a function of PostgreSQL. The same work in one call: the answer of a request_id is kept
 * with its effect, the balance is checked under the agent's lock and lowered, the entry is written, and
 * the agent's minute counted. It keeps no hash chain, no limits and no pool's row, which all spends would
 * wait for: what it leaves out is to its advantage.
 */
export const SCHEMA = `
CREATE TABLE agents (
  id text PRIMARY KEY,
  allocated numeric NOT NULL,
  spent numeric NOT NULL DEFAULT 0,
  reserved numeric NOT NULL DEFAULT 0,
  overdraft_limit numeric NOT NULL DEFAULT 0,
  revision bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE entries (
  sequence bigserial PRIMARY KEY,
  time timestamptz NOT NULL,
  kind text NOT NULL,
  agent text NOT NULL,
  delta numeric NOT NULL,
  after numeric NOT NULL,
  request_id text NOT NULL,
  principal text NOT NULL,
  category text NOT NULL,
  quantities jsonb NOT NULL
);

CREATE TABLE requests (
  request_id text NOT NULL,
  agent text NOT NULL,
  fingerprint bytea NOT NULL,
  sequence bigint,
  available numeric,
  expire_time timestamptz NOT NULL,
  PRIMARY KEY (request_id, agent)
);

CREATE TABLE usage (
  agent text NOT NULL,
  minute timestamptz NOT NULL,
  amount numeric NOT NULL,
  requests bigint NOT NULL,
  tokens numeric NOT NULL,
  PRIMARY KEY (agent, minute)
) WITH (fillfactor = 50);

CREATE FUNCTION spend(a_request text, an_agent text, an_amount numeric, a_category text, some_tokens numeric)
RETURNS TABLE (decision text, entry bigint, left_over numeric) LANGUAGE plpgsql AS $$
DECLARE
  found_agent agents%ROWTYPE;
  moment timestamptz := clock_timestamp();
  rest numeric;
BEGIN
  INSERT INTO requests (request_id, agent, fingerprint, expire_time)
    VALUES (a_request, an_agent,
      sha256(convert_to(concat_ws('|', an_agent, an_amount, a_category, some_tokens), 'UTF8')),
      moment + interval '24 hours')
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'REPLAYED', r.sequence, r.available FROM requests r
      WHERE r.request_id = a_request AND r.agent = an_agent;
    RETURN;
  END IF;
  SELECT * INTO found_agent FROM agents WHERE id = an_agent FOR UPDATE;
  rest := found_agent.allocated - found_agent.spent - found_agent.reserved
    + found_agent.overdraft_limit - an_amount;
  IF rest < 0 THEN
    DELETE FROM requests WHERE request_id = a_request AND agent = an_agent;
    RETURN QUERY SELECT 'DENIED', NULL::bigint, rest + an_amount;
    RETURN;
  END IF;
  UPDATE agents SET spent = spent + an_amount, revision = revision + 1 WHERE id = an_agent;
  INSERT INTO entries (time, kind, agent, delta, after, request_id, principal, category, quantities)
    VALUES (moment, 'SPEND', an_agent, an_amount, found_agent.spent + an_amount, a_request, 'agent',
      a_category, jsonb_build_object('tokens', some_tokens))
    RETURNING sequence INTO entry;
  UPDATE requests SET sequence = entry, available = rest
    WHERE request_id = a_request AND agent = an_agent;
  INSERT INTO usage AS u VALUES (an_agent, date_trunc('minute', moment), an_amount, 1, some_tokens)
    ON CONFLICT (agent, minute) DO UPDATE SET amount = u.amount + excluded.amount,
      requests = u.requests + 1, tokens = u.tokens + excluded.tokens;
  RETURN QUERY SELECT 'APPROVED', entry, rest;
END $$;

INSERT INTO agents (id, allocated)
  SELECT 'agent-' || lpad(n::text, 6, '0'), 1000000 FROM generate_series(0, ${AGENTS - 1}) n;
`;

/** One call: ids in the order of time and of a UUID's length, an agent by chance. */
export const CALL = `
\\set i :i + 1
\\set n random(0, ${AGENTS - 1})
SELECT * FROM spend(
  lpad(:run::text, 8, '0') || '-7000-8000-' || lpad(:i::text, 12, '0') || lpad(:client_id::text, 5, '-'),
  'agent-' || lpad(:n::text, 6, '0'), 0.0125, 'model', 1500);
`;
