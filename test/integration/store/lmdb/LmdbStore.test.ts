import { describeStore } from '../contract/contract.ts';
import { makeEmbeddedStore } from '../stores.ts';

describeStore('embedded', makeEmbeddedStore);
