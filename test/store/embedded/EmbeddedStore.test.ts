import { describeStore } from '../contract.ts';
import { makeEmbeddedStore } from '../stores.ts';

describeStore('embedded', makeEmbeddedStore);
