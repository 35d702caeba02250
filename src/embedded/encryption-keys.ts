import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The key ring of a data dir, made at the first start. Without this file no secret in the database can be read again. */
export async function encryptionKeys(dataDir: string): Promise<string> {
  const path = join(dataDir, 'encryption-keys');
  const known = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (known.trim()) return known.trim();
  const keys = `k1:${randomBytes(32).toString('base64')}`;
  await writeFile(path, `${keys}\n`, { mode: 0o600 });
  return keys;
}
