import Audit from './commands/audit.js';
import Completion from './commands/completion.js';
import ContextCurrent from './commands/context/current.js';
import ContextList from './commands/context/list.js';
import ContextRemove from './commands/context/remove.js';
import ContextRename from './commands/context/rename.js';
import ContextSet from './commands/context/set.js';
import ContextShow from './commands/context/show.js';
import ContextUse from './commands/context/use.js';
import Demo from './commands/demo.js';
import Doctor from './commands/doctor.js';
import Drain from './commands/drain.js';
import Endpoints from './commands/endpoints.js';
import Evict from './commands/evict.js';
import History from './commands/history.js';
import ImportLegacy from './commands/import/legacy.js';
import Offline from './commands/offline.js';
import Online from './commands/online.js';
import PolicyApply from './commands/policy/apply.js';
import PolicyDelete from './commands/policy/delete.js';
import PolicyExplain from './commands/policy/explain.js';
import PolicyList from './commands/policy/list.js';
import PolicyPresets from './commands/policy/presets.js';
import PolicySetDefault from './commands/policy/set-default.js';
import PolicyShow from './commands/policy/show.js';
import Query from './commands/query.js';
import RelayDelete from './commands/relay/delete.js';
import RelayList from './commands/relay/list.js';
import RelayPause from './commands/relay/pause.js';
import RelayReplay from './commands/relay/replay.js';
import RelayResume from './commands/relay/resume.js';
import RelayRun from './commands/relay/run.js';
import RelayStatus from './commands/relay/status.js';
import RelayTest from './commands/relay/test.js';
import Route from './commands/route.js';
import Serve from './commands/serve.js';
import Servers from './commands/servers.js';
import Sessions from './commands/sessions.js';
import Simulate from './commands/simulate.js';
import Stats from './commands/stats.js';
import TokenCreate from './commands/token/create.js';
import TokenList from './commands/token/list.js';
import TokenRevoke from './commands/token/revoke.js';
import Top from './commands/top.js';
import UpgradeFinish from './commands/upgrade/finish.js';
import UpgradeStatus from './commands/upgrade/status.js';
import UserErase from './commands/user/erase.js';
import UserExport from './commands/user/export.js';
import Version from './commands/version.js';
import Wait from './commands/wait.js';
import Watch from './commands/watch.js';

export { execute } from '@oclif/core';
export { hasAnswer } from './cli/base/ClientCommand.js';
export { default as commandNotFound } from './cli/base/commandNotFound.js';
export { Help } from './cli/help/Help.js';

/** What oclif finds here, as package.json configures. */
export const commands = {
  audit: Audit,
  completion: Completion,
  'context:current': ContextCurrent,
  'context:list': ContextList,
  'context:remove': ContextRemove,
  'context:rename': ContextRename,
  'context:set': ContextSet,
  'context:show': ContextShow,
  'context:use': ContextUse,
  demo: Demo,
  doctor: Doctor,
  endpoints: Endpoints,
  evict: Evict,
  history: History,
  'import:legacy': ImportLegacy,
  offline: Offline,
  online: Online,
  'policy:apply': PolicyApply,
  'policy:delete': PolicyDelete,
  'policy:explain': PolicyExplain,
  'policy:list': PolicyList,
  'relay:delete': RelayDelete,
  'relay:list': RelayList,
  'relay:pause': RelayPause,
  'relay:replay': RelayReplay,
  'relay:resume': RelayResume,
  'relay:run': RelayRun,
  'relay:status': RelayStatus,
  'relay:test': RelayTest,
  'policy:presets': PolicyPresets,
  'policy:set-default': PolicySetDefault,
  'policy:show': PolicyShow,
  drain: Drain,
  query: Query,
  route: Route,
  serve: Serve,
  servers: Servers,
  sessions: Sessions,
  simulate: Simulate,
  stats: Stats,
  'token:create': TokenCreate,
  'token:list': TokenList,
  'token:revoke': TokenRevoke,
  top: Top,
  'upgrade:finish': UpgradeFinish,
  'upgrade:status': UpgradeStatus,
  'user:erase': UserErase,
  'user:export': UserExport,
  version: Version,
  wait: Wait,
  watch: Watch,
};
