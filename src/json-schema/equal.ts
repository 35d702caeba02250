import { isJsonList, isJsonObject, type Json } from '../domain/json';

/** A text that is the same for equal values: the order of keys does not count. `onValue` is told of each value within. */
export function canonical(value: Json, onValue: () => void): string {
  onValue();
  if (isJsonList(value)) return `[${value.map((item) => canonical(item, onValue)).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json, onValue)}`).join(',')}}`;
}

/** Characters of a text as JSON Schema counts them: code points. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let place = 0; place < text.length - 1; place += 1) {
    const unit = text.charCodeAt(place);
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(place + 1) & 0xfc00) === 0xdc00) {
      count -= 1;
      place += 1;
    }
  }
  return count;
}
