import { describeStore } from '../contract.ts';
import { makeRedisStore } from '../stores.ts';

describeStore('Redis', makeRedisStore);
