// For `node --import`: a resolver that returns two addresses of `localhost`, in varying order like name
// servers.
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

const ADDRESSES = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
const { lookup } = dns;
const lookupPromise = dns.promises.lookup;
const rotated = () => {
  process.stderr.write('looked up localhost\n');
  ADDRESSES.unshift(ADDRESSES.pop());
  return [...ADDRESSES];
};
const answer = (options) => (options?.all ? rotated() : rotated()[0]);

dns.lookup = (name, options, done = options) => {
  if (name !== 'localhost') return lookup(name, options, done);
  const found = answer(options);
  process.nextTick(() => (found.address ? done(null, found.address, found.family) : done(null, found)));
};
dns.promises.lookup = async (name, options) =>
  name === 'localhost' ? answer(options) : lookupPromise(name, options);
syncBuiltinESMExports();
