import { describeStore } from '../contract/contract.ts';
import { makeRedisStore } from '../stores.ts';

describeStore('Redis', makeRedisStore);
