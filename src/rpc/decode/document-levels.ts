import type { ServiceLevel } from '../../domain/service-level.js';
import { fieldsOf, textOf, type Fields } from './document-fields.js';
import { partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { levelsOf } from './service-level.js';
import type { Tree } from './yaml-tree.js';

const LEVEL_KEYS = ['name', 'min_percent', 'features'] as const;

/** Reads the levels of service of a pool or agent of a document; an empty list is none of its own. */
export function serviceLevelsOf(
  form: Form,
  fields: Fields,
): { readonly serviceLevels?: readonly ServiceLevel[] } {
  const list = fields.get('service_levels');
  if (list === undefined) return {};
  if (list === '') return { serviceLevels: [] };
  if (!Array.isArray(list)) {
    refuseField(form, 'service_levels', 'Give a list');
    return {};
  }
  const definitions = (list as readonly Tree[]).map((item, at) => {
    const part = partOf(form, `service_levels[${at}].`);
    if (item instanceof Map) return definitionOf(part, fieldsOf(part, item, LEVEL_KEYS));
    refuseField(form, `service_levels[${at}]`, 'Give an object');
    return undefined;
  });
  const whole = definitions.filter((definition) => definition !== undefined);
  if (whole.length < definitions.length) return {};
  return { serviceLevels: levelsOf(form, whole, 'service_levels') };
}

function definitionOf(form: Form, fields: Fields) {
  return {
    name: textOf(form, fields, 'name') ?? '',
    minPercent: textOf(form, fields, 'min_percent') ?? '',
    features: featuresOf(form, fields.get('features')),
  };
}

function featuresOf(form: Form, list: Tree | undefined): string[] {
  if (list === undefined || list === '') return [];
  if (Array.isArray(list) && list.every((item: Tree) => typeof item === 'string')) return list;
  refuseField(form, 'features', 'Give a list of words');
  return [];
}
