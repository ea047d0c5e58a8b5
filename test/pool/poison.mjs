// Loaded into workers by NODE_OPTIONS: kills the process soon after it was given a picture with the prompt 'poison'.
const { emit } = process;
process.emit = function (name, message, ...more) {
  if (name === 'message' && message?.pictures?.some(({ item }) => item.prompt === 'poison'))
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);
  return emit.call(this, name, message, ...more);
};
