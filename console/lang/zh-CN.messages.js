/**
 * Chinese translations of texts that the daemon writes in English: error messages, their parts, and the names
 * of callers. The first template that fits a text counts, so special ones come before general ones. A value
 * such as `{caller}` is itself translated if a template fits it, except `{asWritten}`. A test finds each template
 * in the source.
 */
export default [
  // Credentials.
  ['authentication required: {howTo}', '请求没有携带身份凭据：请提供此守护进程接受的令牌、JWT 或客户端证书'],
  [
    'client certificate required: present one signed by a CA in --tls-client-ca of the daemon',
    '需要客户端证书，且须由守护进程的 --tls-client-ca 中的 CA 签发',
  ],
  [
    'authorization must be at most {max} bytes; this one has {bytes}: get a JWT with fewer claims',
    '凭据无效：长度上限为 {max} 字节，实际为 {bytes} 字节，请换用声明较少的 JWT',
  ],
  [
    'authorization must be "Bearer TOKEN": {howTo}',
    '凭据无效：令牌只能由 ASCII 字符组成，且不能含有空格，请重新粘贴',
  ],
  ['this kind of token is not accepted: {howTo}', '凭据无效：此守护进程不接受这种令牌'],
  [
    'unknown token: it was revoked, or belongs to another service; create one with imstate token create',
    '凭据无效：令牌不存在，可能已被吊销，也可能属于其他服务。可用 imstate token create 生成新令牌',
  ],
  ['the JWT has expired: get a new one', '凭据无效：JWT 已过期，请换用新的 JWT'],
  ['the JWT must have the issuer (iss) {issuer}', '凭据无效：JWT 的签发方（iss）必须是 {issuer}'],
  ['the JWT must have the audience (aud) {audience}', '凭据无效：JWT 的受众（aud）必须是 {audience}'],
  ['the JWT must have an expiry (exp)', '凭据无效：JWT 必须有过期时间（exp）'],
  ['the JWT is not valid yet (nbf)', '凭据无效：JWT 尚未生效（nbf）'],
  ['the JWT has a claim that is not valid', '凭据无效：JWT 中有无效的声明'],
  [
    'the JWT is not signed by a current key of its issuer: get a new one',
    '凭据无效：JWT 不是用签发方的现用密钥签名的，请换用新的 JWT',
  ],
  [
    'the JWT names no key (kid), and several keys of its issuer fit: set kid',
    '凭据无效：JWT 未指明密钥（kid），而签发方有多个密钥与之匹配，请在签发时设置 kid',
  ],
  [
    'the JWT has a signature that does not match the key of its issuer',
    '凭据无效：JWT 的签名与签发方的密钥不匹配',
  ],
  ['the JWT must be signed by one of {algorithms}', '凭据无效：JWT 的签名算法必须是 {algorithms} 之一'],
  [
    'the JWT cannot be verified: the key set of its issuer has an unusable key, or the JWT is malformed',
    '凭据无效：无法验证 JWT，可能是签发方的密钥集中有不可用的密钥，也可能是 JWT 格式有误',
  ],
  [
    'the JWT cannot be parsed: send it complete, as its issuer created it',
    '凭据无效：无法解析 JWT，请完整粘贴签发方生成的内容',
  ],
  [
    'the subject (sub) of the JWT must be a string, or missing',
    '凭据无效：JWT 的主体（sub）必须是字符串，或者省略',
  ],
  ['{caller} has expired: get a new one', '凭据无效：{caller} 已过期，请换用新的 JWT'],
  ['{caller} has expired: renew it', '凭据无效：{caller} 已过期，请更换证书'],
  ['{caller} was revoked: use another one', '凭据无效：{caller}已被吊销，请换用其他令牌'],
  ['{caller} no longer has a role', '凭据无效：{caller} 不再拥有任何角色'],
  ['{caller} has other rights now: call again', '凭据的权限已变更（{caller}），请重试'],

  // Permissions.
  [
    '{call} needs the role {role}, and {caller} has {actual}: call with a credential of that role',
    '请求被拒绝：{call} 需要 {role} 角色，当前凭据（{caller}）的角色为 {actual}，请换用具有该角色的凭据',
  ],
  [
    'the client certificate ({names}) has no role: list one of its names in the file of --auth-certificates',
    '请求被拒绝：客户端证书（{names}）没有角色，请在 --auth-certificates 指定的文件中列出它的一个名称',
  ],
  [
    '{caller} grants no role: its claim imstate_{rule}',
    '请求被拒绝：{caller} 未授予角色，它的声明有误：imstate_{rule}',
  ],
  [
    'requests from pages of another origin are rejected (sec-fetch-site: {site})',
    '请求被拒绝：请求来自其他源（origin）的页面（sec-fetch-site: {site}）',
  ],
  [
    'requests from pages of another origin are rejected (origin: {origin}, host: {host}){wayOut}',
    '请求被拒绝：请求来自其他源（origin）的页面（origin: {origin}，host: {host}）{wayOut}',
  ],
  [
    '; if a reverse proxy serves the console there, use HTTPS, or start the daemon with --http-origin {origin} (or --http-trusted-proxy with the address of a proxy that sends X-Forwarded-Host and X-Forwarded-Proto)',
    '。如果该地址是提供控制台的反向代理，请使用 HTTPS，或用 --http-origin {origin} 启动守护进程（如果代理会发送 X-Forwarded-Host 和 X-Forwarded-Proto，也可用 --http-trusted-proxy 指定代理的地址）',
  ],
  [
    'without an --auth flag and TLS, the daemon answers only under an IP address or a private name, not as {host}, because a page from the Internet could use the access of its visitor: set --auth-tokens or --tls-cert{wayOut}',
    '请求被拒绝：未启用身份验证（--auth 类参数）和 TLS 时，只能通过 IP 地址或内网域名访问守护进程，不能使用 {host}，以防互联网上的网页盗用访问者的权限。请设置 --auth-tokens 或 --tls-cert{wayOut}',
  ],
  [
    ', or if a reverse proxy serves the console there, use HTTPS or set --http-origin {origin}',
    '；如果该地址是提供控制台的反向代理，也可以使用 HTTPS，或设置 --http-origin {origin}',
  ],

  // Parameters.
  ['{field} must not be empty', '{field}：不能为空'],
  [
    '{field} must be at most {max} bytes of UTF-8; this one has {bytes}',
    '{field}：长度上限为 {max} 字节（UTF-8），实际为 {bytes} 字节',
  ],
  [
    '{field} must not contain control characters; this one has {character}',
    '{field}：不能含有控制字符，其中有 {character}',
  ],
  ['{field} must be given at most {max} times', '{field}：最多 {max} 个'],
  [
    '{field} must be the next_page_token of a response to the same request, or empty for the first page',
    '分页标记无效，请重新加载页面',
  ],
  ['{field} must be a revision that a watch has sent', '订阅的恢复位置无效，请重新加载页面'],
  [
    '{field} {name} is not a policy: imstate policy list shows the stored ones, and imstate policy presets the presets',
    '{field}：{name} 不是会话策略，可用 imstate policy list 查看已存储的会话策略，用 imstate policy presets 查看预设',
  ],
  [
    'there is no relay {name}: imstate relay list shows those there are',
    '没有名为 {name} 的中继，可能已被删除',
  ],
  ['userIdPrefix', '用户 ID 前缀'],
  ['userId', '用户 ID'],
  ['deviceId', '设备 ID'],
  ['sessionId', '会话 ID'],
  ['serverAddr', '聊天服务器地址'],
  ['reason', '原因'],
  ['platform', '平台'],
  ['policy', '会话策略'],

  // The store.
  [
    '{count} sessions were evicted, but not all: {cause}; evict again',
    '已强制结束 {count} 个会话，但尚未全部结束：{cause}。请再次强制下线',
  ],
  [
    'shard {shard} of the store does not answer{outcome}: try again when its Redis master is back',
    '存储的分片 {shard} 没有响应{outcome}。请等它的 Redis 主节点恢复后重试',
  ],
  ['shard {shard} of the store does not answer: try again', '存储的分片 {shard} 没有响应，请重试'],
  [
    'the daemon has no connection to Redis and is trying to get one{outcome}',
    '守护进程与 Redis 的连接已断开，正在重连{outcome}',
  ],
  [
    'the connection to Redis was lost before it answered{outcome}',
    '与 Redis 的连接在收到响应之前断开{outcome}',
  ],
  ['Redis refused: {reason}; {outcome}', 'Redis 拒绝执行：{reason}；{outcome}'],
  ['Redis refused: {reason}', 'Redis 拒绝执行：{reason}'],
  [
    'the change was made, but it may be lost if the master of Redis fails now: {reason}; with its session id it may be repeated',
    '变更已写入，但如果 Redis 主节点此刻发生故障，变更可能丢失（{reason}）。可以重试',
  ],
  [
    'only {have} of {all} replicas had it within {limit} ms',
    '{limit} 毫秒内，{all} 个副本中只有 {have} 个收到变更',
  ],
  ['the connection to Redis was lost before its replicas had it', '副本收到变更之前，与 Redis 的连接已断开'],
  [
    'the store is not open yet: the daemon is starting; try again',
    '存储尚未打开：守护进程正在启动，请稍后重试',
  ],
  ['the store is not open: the daemon is starting or stopping', '存储没有打开：守护进程正在启动或停止'],
  ['the data directory cannot be read: {reason}', '无法读取数据目录：{reason}'],
  [
    'the data directory {path} cannot be written ({reason}); nothing was changed',
    '无法写入数据目录 {path}（{reason}），未作任何更改',
  ],
  [
    'the store has feature level {level}, and this imstate supports {min} to {max}: {remedy}, or use another --key-prefix or database{outcome}',
    '存储的功能级别为 {level}，而此 imstate 支持 {min} 至 {max}：{remedy}，或改用其他 --key-prefix 或数据库{outcome}',
  ],
  ['install the newer version that wrote it', '请安装写入该数据的较新版本'],
  ['upgrade by way of a version in between', '请先升级到中间版本'],
  [
    'the store was made with {shards} shards and cannot be used with {needed}: omit --shards or set --shards {shards2}, or use another --key-prefix or database{outcome}',
    '存储创建时有 {shards} 个分片，不能按 {needed} 个分片使用：请省略 --shards，或设置 --shards {shards2}，或改用其他 --key-prefix 或数据库{outcome}',
  ],
  [
    'Redis at {url} refused its database {database} ({reason}): choose another in --redis{outcome}',
    '位于 {url} 的 Redis 拒绝访问数据库 {database}（{reason}）：请在 --redis 中改用其他数据库{outcome}',
  ],
  ['; nothing was changed', '；未作任何更改'],
  ['; the change may have been applied', '；变更可能已经生效'],
  ['; the change was applied in part', '；变更已部分生效'],
  ['nothing was changed', '未作任何更改'],
  ['the change may have been applied in part', '变更可能已部分生效'],
  ['the change was applied in part', '变更已部分生效'],
  [
    'others keep changing the relay {name}, and nothing was changed: try again',
    '中继 {name} 正被其他操作频繁修改，未作任何更改，请重试',
  ],

  // The registry.
  [
    'the embedded registry cannot be used ({reason}): fix that, or choose another --data-dir',
    '内嵌注册中心不可用（{reason}）：请解决此问题，或改用其他 --data-dir',
  ],
  [
    'etcd cannot be reached ({reason}): start it, or correct --etcd{hint}',
    '无法连接 etcd（{reason}）：请启动 etcd，或更正 --etcd{hint}',
  ],
  [
    ', or write https:// in --etcd if it uses TLS, http:// if not, and set {flag} if it requires a certificate',
    '；etcd 启用 TLS 时在 --etcd 中写 https://，否则写 http://，要求客户端证书时还要设置 {flag}',
  ],
  [', or write http:// instead of https:// in --etcd', '，或者在 --etcd 中把 https:// 改为 http://'],
  ['no connection', '没有连接'],
  [
    'etcd does not answer within {limit} ms: look after it, or correct --etcd',
    'etcd 在 {limit} 毫秒内没有响应：请检查 etcd，或更正 --etcd',
  ],
  [
    'etcd has no leader ({reason}): start the nodes that are missing, most of them must run',
    'etcd 没有主节点（leader；{reason}）：请启动缺失的节点，过半数节点必须在运行',
  ],
  [
    'etcd is overloaded ({reason}): reduce its load or give it faster disks',
    'etcd 过载（{reason}）：请降低负载，或换用更快的磁盘',
  ],
  [
    'etcd has an alarm for corrupt data ({reason}): replace the node that etcdctl alarm list names',
    'etcd 有数据损坏告警（{reason}）：请替换 etcdctl alarm list 列出的节点',
  ],
  [
    'the user of etcd lacks a right ({reason}): etcdctl role grant-permission ROLE --prefix=true readwrite SERVICE/',
    'etcd 用户权限不足（{reason}）：请执行 etcdctl role grant-permission ROLE --prefix=true readwrite SERVICE/',
  ],
  [
    'etcd has no authentication: leave --etcd-user and its password out',
    'etcd 未启用身份验证：请不要设置 --etcd-user 及其密码',
  ],
  [
    'etcd refused the credentials ({reason}): check --etcd-user and its password',
    'etcd 拒绝了守护进程的凭据（{reason}）：请检查 --etcd-user 及其密码',
  ],

  // Limits.
  [
    'the daemon has {count} HTTP requests in flight: nothing was done, try again in a while',
    '守护进程正在处理 {count} 个 HTTP 请求，已达上限：请求未执行，请稍后重试',
  ],
  [
    'the daemon has {count} event streams: try again later, or use another daemon',
    '守护进程有 {count} 个事件流，已达上限：请稍后重试，或改用其他守护进程',
  ],
  [
    'the watches of the daemon count as {used} of {max} (--max-watches), and this one adds {more}',
    '守护进程的订阅配额已用 {used}/{max}（--max-watches），此订阅还需要 {more}',
  ],
  [
    'the IDs of watched users and servers take {used} of {max} bytes (half of --max-watch-backlog)',
    '各订阅的用户 ID 和服务器地址已占用 {used}/{max} 字节（--max-watch-backlog 的一半）',
  ],
  [
    'the caller reads too slowly ({count} changes wait): {next}, and read faster or set coalesce',
    '页面接收变更的速度过慢，已积压 {count} 条',
  ],
  [
    'the backlog of all watches is full (--max-watch-backlog), and this watch holds {bytes} bytes of it: {next}, and read faster or set coalesce',
    '所有订阅的积压已达上限（--max-watch-backlog），其中此订阅占 {bytes} 字节',
  ],
  [
    'the daemon holds {bytes} bytes of sessions read for responses, {own} of them for this connection',
    '守护进程为待发送的响应已占用 {bytes} 字节内存，其中此连接占 {own} 字节',
  ],
  ['the daemon runs {count} searches for sessions', '守护进程正在执行 {count} 个会话查找，已达上限'],
  [
    'the users have too many devices for one answer: ask for fewer users at once',
    '用户的设备过多，单次响应放不下',
  ],
  ['{why}: try again later, or use another daemon', '{why}：请稍后重试，或改用其他守护进程'],
  ['{why}: nothing was done; try again later', '{why}：请求未执行，请稍后重试'],

  // The daemon.
  ['the daemon is stopping: continue with another one', '守护进程正在停止，请改用其他守护进程'],
  [
    'the changes since this revision are no longer kept: start again with a snapshot; the oldest revision is {revision}',
    '中断期间的部分变更已不再保留',
  ],
  [
    'changes were lost before this watch received them, because the store lost data: start again with a snapshot',
    '存储丢失了数据，部分变更未能送达',
  ],
  ['internal error: see the log of the daemon', '守护进程发生内部错误，详情见其日志'],

  // What came of administrative acts. The last of them fit the beginnings of the others.
  ['{outcome}, reason: {asWritten}', '{outcome}，原因：{asWritten}'],
  ['{outcome}, online again: {count}', '{outcome}，{count} 台设备已重新登录'],
  ['{outcome}, left: {count}', '{outcome}，仍有 {count} 条'],
  [
    'sessions ended: {count}, records erased: {records}, changes erased: {changes}',
    '已结束 {count} 个会话，抹除 {records} 条记录和 {changes} 条变更',
  ],
  ['sessions ended: {count}, more are left', '已结束 {count} 个会话，尚有剩余'],
  ['sessions ended: {count}', '已结束 {count} 个会话'],
  ['feature level {before} to {level}, checked only', '功能级别由 {before} 升至 {level}，仅检查，未执行'],
  ['feature level {before} to {level}', '功能级别由 {before} 升至 {level}'],
  ['version {version}, unchanged', '版本 {version}，内容未变'],
  ['version {version}', '版本 {version}'],
  ['default policy {before} to {name}', '默认策略由 {before} 改为 {name}'],
  ['log level {level}', '日志级别 {level}'],
  ['{change}; another secret', '{change}；密钥已更换'],
  ['{change}; other chat servers', '{change}；绑定的聊天服务器已更改'],
  ['paused', '已暂停'],
  ['resumed', '已恢复'],
  ['another secret', '密钥已更换'],
  ['other chat servers', '绑定的聊天服务器已更改'],
  ['role {role} instead of {before}', '角色由 {before} 改为 {role}'],
  ['role {role}', '角色 {role}'],
  ['internal error', '内部错误'],

  // Callers. Last, because they fit the beginnings of messages.
  ['token "{id}"', '令牌“{id}”'],
  ['the JWT of {id}', '{id} 的 JWT'],
  ['the client certificate {id}', '客户端证书 {id}'],
  ['anonymous', '匿名'],
];
