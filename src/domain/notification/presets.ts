import { parseTemplate, type ContentType, type Template } from './template.js';

/** The bodies that need no template of one's own. */
export const PRESETS = ['JSON', 'SLACK', 'ALERTMANAGER'] as const;

/** One of PRESETS. */
export type Preset = (typeof PRESETS)[number];

/** How the body of a channel's requests is made. */
export type BodyFormat =
  | { readonly preset: Preset }
  | {
      readonly preset: 'CUSTOM';
      readonly contentType: ContentType;
      readonly template: string;
    };

/** The `version` of the JSON body. It grows when a field changes its meaning or goes. */
export const JSON_BODY_VERSION = 1;

/** The templates of the presets. Whoever wants another body starts from one of them. */
export const PRESET_TEMPLATES: Readonly<Record<Preset, string>> = {
  JSON: `{
  "version": ${JSON_BODY_VERSION},
  "delivery_id": {{delivery_id}},
  "channel_id": {{channel_id}},
  "store_id": {{store_id}},
  "sequence": {{sequence}},
  "time": {{time}},
  "kind": {{kind}},
  "suppressed": {{suppressed}},
  "violation": {
    "id": {{violation.id}},
    "type": {{violation.type}},
    "severity": {{violation.severity}},
    "agent_id": {{violation.agent_id}},
    "pool_id": {{violation.pool_id}},
    "rule_id": {{violation.rule_id}},
    "message": {{violation.message}},
    "details": {{violation.details}},
    "source": {{violation.source}},
    "count": {{violation.count}}
  }
}
`,
  SLACK: `{
  "text": "*{{violation.severity}} {{violation.type}}* {{kind}}: {{violation.subject | slack}}\\n\
{{violation.message | slack}}{{suppressed_note}}"
}
`,
  ALERTMANAGER: `[
  {
    "labels": {
      "alertname": "{{violation.type}}",
      "severity": "{{alert.told_severity}}",
      "agent_id": "{{violation.agent_id}}",
      "pool_id": "{{violation.pool_id}}",
      "rule_id": "{{violation.rule_id}}",
      "violation_id": "{{violation.id}}",
      "store_id": "{{store_id}}"
    },
    "annotations": {
      "summary": "{{violation.message}}",
      "description": "{{kind}} for {{violation.subject}}{{suppressed_note}}"
    },
    "startsAt": "{{alert.told_starts_at}}",
    "endsAt": "{{alert.told_ends_at}}"
  },
  {
    "labels": {
      "alertname": "{{violation.type}}",
      "severity": "{{alert.severity}}",
      "agent_id": "{{violation.agent_id}}",
      "pool_id": "{{violation.pool_id}}",
      "rule_id": "{{violation.rule_id}}",
      "violation_id": "{{violation.id}}",
      "store_id": "{{store_id}}"
    },
    "annotations": {
      "summary": "{{violation.message}}",
      "description": "{{kind}} for {{violation.subject}}{{suppressed_note}}"
    },
    "startsAt": "{{alert.starts_at}}",
    "endsAt": "{{alert.ends_at}}"
  }
]
`,
};

/** The template of a format that was checked before. Throws when it does not parse. */
export function templateOf(format: BodyFormat): Template {
  const custom = format.preset === 'CUSTOM';
  const template = parseTemplate(
    custom ? format.template : PRESET_TEMPLATES[format.preset],
    custom ? format.contentType : 'application/json',
  );
  if ('problem' in template) throw new Error(`a channel has no template: ${format.preset}`);
  return template;
}
