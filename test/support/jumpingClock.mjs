// For `node --import`: a clock that is set back by an hour at each SIGUSR2, as the clock of the machine may
// be.
const now = Date.now;
let offset = 0;
Date.now = () => now() + offset;
process.on('SIGUSR2', () => {
  offset -= 3_600_000;
});
