import { DIALECTS, type DialectName } from './dialect';

/** How an endpoint's bodies are made from those that its dialect would send. */
export interface Transform {
  readonly language: 'jsonata';
  readonly expression: string;
  /** Switched off it does nothing, and is kept. */
  readonly enabled: boolean;
}

/** Most characters of an expression. */
export const MAX_EXPRESSION = 16_384;

/**
 * Whether an endpoint of this dialect may have a transform. Not where the body tells of the attempts before it, since a result
 * is made once and kept; nor where it goes out as it came in, with the signature that it came with.
 */
export const takesTransform = (dialect: DialectName): boolean =>
  DIALECTS[dialect].tellsHistory !== true && DIALECTS[dialect].passesSignature !== true;

/** What came of an evaluation: the JSON text that is sent, or what is wrong, in words. */
export type Transformed = { readonly body: string } | TransformFault;

/** Why there is no result. */
export interface TransformFault {
  readonly fault: string;
  /** Where in the expression, in characters from its beginning; null where that is not known. */
  readonly position: number | null;
  /** It was not evaluated, for want of time or of a process: that says nothing of the expression. */
  readonly isOurs?: boolean;
}
