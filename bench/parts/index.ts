// All parts, in the order in which they run.
import type { Part } from '../part.ts';
import { apply } from './apply.ts';
import { batch } from './batch.ts';
import { bytes } from './bytes.ts';
import { crashes } from './crashes.ts';
import { crowded } from './crowded.ts';
import { daemons } from './daemons.ts';
import { delivery } from './delivery.ts';
import { devices } from './devices.ts';
import { growth } from './growth.ts';
import { memory } from './memory.ts';
import { policies } from './policies.ts';
import { profile } from './profile.ts';
import { relay } from './relay.ts';
import { shards } from './shards.ts';
import { startup } from './startup.ts';
import { sweep } from './sweep.ts';
import { unary } from './unary.ts';
import { watch } from './watch.ts';
import { wire } from './wire.ts';

/** All parts. */
export const parts: Part[] = [
  startup,
  unary,
  apply,
  batch,
  bytes,
  devices,
  policies,
  growth,
  watch,
  relay,
  wire,
  delivery,
  crowded,
  memory,
  daemons,
  shards,
  profile,
  sweep,
  crashes,
];
