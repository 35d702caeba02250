import { type ConnectionLike, isGrpcServiceError } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../workflows/contract';

/** Types of search attributes as Temporal's API numbers them. */
const TYPE_NUMBERS = { Keyword: 2, KeywordList: 7 } as const;

/** The attributes and their types: a workflow that carries several events lists the types of all. */
export const SEARCH_ATTRIBUTE_TYPES: Readonly<Record<string, keyof typeof TYPE_NUMBERS>> = {
  [SEARCH_ATTRIBUTES.workspace]: 'Keyword',
  [SEARCH_ATTRIBUTES.eventTypes]: 'KeywordList',
  [SEARCH_ATTRIBUTES.object]: 'Keyword',
  [SEARCH_ATTRIBUTES.endpoint]: 'Keyword',
};

/** gRPC status codes. */
const ALREADY_EXISTS = 6;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;

/**
 * Makes the search attributes of a namespace that are missing.
 * @returns the names that may be missing still, because this account may not make or see them (Temporal Cloud: they are made in
 * its console); starting a workflow fails until they exist.
 * @throws what the connection throws when Temporal can't be reached.
 */
export async function registerSearchAttributes({ operatorService }: ConnectionLike, namespace: string): Promise<readonly string[]> {
  const known = await operatorService.listSearchAttributes({ namespace }).then(({ customAttributes }) => customAttributes, unlessNotAllowed);
  const missing = Object.entries(SEARCH_ATTRIBUTE_TYPES).filter(([name]) => known?.[name] === undefined);
  if (missing.length === 0) return [];
  const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, TYPE_NUMBERS[type]]));
  try {
    await operatorService.addSearchAttributes({ namespace, searchAttributes });
    return [];
  } catch (error) {
    // Another process was faster, with the same ones.
    if (isGrpcServiceError(error) && error.code === ALREADY_EXISTS) return [];
    unlessNotAllowed(error);
    return missing.map(([name]) => name);
  }
}

function unlessNotAllowed(error: unknown): null {
  if (isGrpcServiceError(error) && (error.code === PERMISSION_DENIED || error.code === UNIMPLEMENTED)) return null;
  throw error;
}
