import { isJsonObject, type JsonObject } from './json';

/** The operators that join whole conditions. */
export const LOGICAL: readonly string[] = ['$and', '$or', '$nor', '$not'];

/** Whether what stands after a path is operators, such as `{"$gt": 5}`, and not a value to be equal to. */
export const isOperators = (value: unknown): value is JsonObject =>
  isJsonObject(value) && Object.keys(value).some((key) => key.startsWith('$'));

/** Whether the operand of `$elemMatch` asks something of the element itself; else it is a condition on the element's keys. */
export const isValueTest = (operand: unknown): boolean =>
  isOperators(operand) && Object.entries(operand).every(([key, value]) =>
    key === '$not' ? isValueTest(value) : key.startsWith('$') && !LOGICAL.includes(key));
