import type { Command } from './command';
import { completionCommand } from './completion';
import { deliveryCommands } from './deliveries';
import { doctorCommand } from './doctor';
import { endpointCommands } from './endpoints';
import { eventCommands } from './events';
import { tailCommand } from './events-tail';
import { healthcheckCommand } from './healthcheck';
import { jobCommands } from './jobs';
import { listenCommand } from './listen';
import { migrateCommand } from './migrate';
import { recoverCommand } from './recover';
import { rekeyCommand } from './rekey';
import { ruleCommands } from './rules';
import { serveCommand } from './serve';
import { signCommand } from './sign';
import { typeCommands } from './types';
import { verifyCommand } from './verify';
import { workCommand } from './work';

/** Commands by their names; those of a group have two words. */
export type Commands = Readonly<Record<string, Command>>;

/** All commands. Their modules are read at each start: what is heavy is loaded where it is needed. */
export const COMMANDS: Commands = {
  serve: serveCommand,
  work: workCommand,
  migrate: migrateCommand,
  rekey: rekeyCommand,
  doctor: doctorCommand,
  healthcheck: healthcheckCommand,
  listen: listenCommand,
  sign: signCommand,
  verify: verifyCommand,
  ...eventCommands,
  'events tail': tailCommand,
  ...endpointCommands,
  ...deliveryCommands,
  recover: recoverCommand,
  ...ruleCommands,
  ...jobCommands,
  ...typeCommands,
  completion: completionCommand,
};
