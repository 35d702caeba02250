/**
 * The language of conditions: a JSON query over one event, in the manner of MongoDB's, without its traps.
 *
 * **Paths.** `state`, `status`, `type`, `primaryKey`, `attributes.city` and the object's other fields; `previous.state`,
 * `previous.attributes.city`; `changes`; `event.type`, `event.actor.userId`; `data.total` (a custom event's). A segment
 * is a key, or a whole number that indexes a list (`attributes.lines.0.sku`). A key that holds dots is found as well:
 * keys one by one first, then joined. Only own keys are ever read. Paths do not walk through lists: use `$elemMatch`.
 * An unknown name at the start of a path is a mistake.
 *
 * **Values.** A plain value, list or object after a path means equality, in depth, whatever the order of keys. A list
 * matches if it equals the value or one of its elements does; `{"changes": "state"}` asks whether the state changed.
 *
 * | operator | holds where the value, or one element of it where it is a list, |
 * |---|---|
 * | `$eq`, `$ne` | equals; does not |
 * | `$in`, `$nin` | equals one of the values (at most 1,000); equals none |
 * | `$gt` `$gte` `$lt` `$lte` | orders so: a number with a number, a text with a text by code unit; nothing else compares |
 * | `$startsWith` `$endsWith` | is a text that does |
 *
 * | operator | holds where |
 * |---|---|
 * | `$exists` | the path is there (`true`) or is not (`false`); `null` is there |
 * | `$contains` | the value is a text with this part in it, or a list with this element |
 * | `$all` | each of these values would match by itself |
 * | `$size` | the value is a list of this length |
 * | `$elemMatch` | the value is a list and one element passes all of these: operators, or a condition on its keys |
 * | `$not` | what it holds does not: `{"state": {"$not": {"$in": ["A", "B"]}}}` or `{"$not": {"state": "A"}}` |
 * | `$and` `$or` `$nor` | all, one or none of a list of conditions hold |
 *
 * Several keys and several operators must all hold, on a list each by an element of its own. A missing path matches only
 * `$exists: false`, `$ne`, `$nin` and what negates a test that fails; it is not `null`. No JavaScript, no patterns.
 */
export { checkCondition, CONDITION_LIMITS, type ConditionMistake } from './condition-check';
export { compileCondition } from './condition-compile';
export { explainCondition } from './condition-explain';
export { type Facts, factsOf } from './facts';
