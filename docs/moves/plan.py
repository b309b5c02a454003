"""Where files and items go, and what they are called."""

# Items that leave a file for a new one: {file: {new file (old tree): (doc, items)}}.
SPLIT = {
    'src/rotating/error.rs': {
        'src/rotating/source_error.rs': ('What can go wrong on the way to a value.', {'SourceError', 'ErrorClass'}),
    },
    'src/rotating/expiry.rs': {
        'src/rotating/lifetime.rs': ('When a value stops being good, as its source says it.', {'Expiry', 'InvalidLifetime', 'LONGEST'}),
        'src/clock.rs': ('Time and chance: every decision is given them as arguments.', {'Now'}),
    },
    'src/rotating/builder.rs': {'src/clock.rs': ('', {'WallClock'})},
    'src/rotating/attempt.rs': {'src/clock.rs': ('', {'Clocks'})},
    'src/rotating/schedule.rs': {'src/clock.rs': ('', {'Draw'})},
    'src/rotating/snapshot.rs': {
        'src/rotating/generation.rs': ('The count of the contents that a value has had.', {'Generation'}),
        'src/rotating/content.rs': ('What moves with the generation, and what is known of it.', {'Content'}),
    },
    'src/rotating/guard.rs': {'src/rotating/proven.rs': ('Whether the upstream has taken a value.', {'Proven'})},
    'src/rotating/handle.rs': {
        'src/rotating/command.rs': ('What handles ask of the refresh task.', {'Command'}),
        'src/rotating/parts.rs': ('What the one writer and the handles share.', {'Parts'}),
    },
    'src/rotating/source.rs': {
        'src/rotating/fetch.rs': ('What a source is told, and what it answers.', {'Fetch', 'Reason', 'Fetched', 'Revision'}),
        'src/rotating/refresh_interval.rs': ('How often a source is asked.', {'Pace'}),
    },
    'src/inbound/extract.rs': {
        'src/inbound/found.rs': ('What one location holds.', {'Found', 'Absent', 'trim'}),
    },
    'src/outbound/origin.rs': {'src/outbound/scheme.rs': ('The schemes that requests go by.', {'Scheme'})},
    'src/outbound/table.rs': {'src/outbound/invalid_routes.rs': ('Why routes do not make a table.', {'InvalidRoutes'})},
    'src/keyring/decide/rotate.rs': {'src/keyring/decide/life.rs': ('How long a key lives.', {'length_of_life'})},
    'src/inbound/slot.rs': {'src/inbound/slots.rs': ('Where a service looks for tokens.', {'Slots', 'InvalidSlots', 'MAX_TOKEN_LEN'})},
}
# Traits that are used by their methods alone.
KEEP_IMPORTS = {'FutureExt': r'\.catch_unwind\('}

S = lambda folder, to, names: {f'{folder}/{n}.rs': f'{to}/{n}.rs' for n in names.split()}
MOVE = {
    # source
    'src/rotating/source.rs': 'src/source/source.rs',
    'src/rotating/source_error.rs': 'src/source/error.rs',
    'src/rotating/lifetime.rs': 'src/source/expiry.rs',
    'src/rotating/generation.rs': 'src/generation.rs',
    'src/inbound/idempotency.rs': 'src/idempotency.rs',
    'src/rotating/fetch.rs': 'src/source/fetch.rs',
    'src/rotating/refresh_interval.rs': 'src/source/refresh_interval.rs',
    'src/rotating/adapt.rs': 'src/source/adapt.rs',
    'src/source/pushed.rs': 'src/source/channel.rs',
    'src/source/closure.rs': 'src/source/source_fn.rs',
    'src/source/into_credential.rs': 'src/outbound/into_credential.rs',
    'src/source/key_set_source.rs': 'src/inbound/key_set/source.rs',
    'src/source/file/unix/ears.rs': 'src/source/file/unix/watcher.rs',
    'src/source/file/unix/trail.rs': 'src/source/file/unix/link_chain.rs',
    'src/source/file/look.rs': 'src/source/file/probe.rs',
    # rotating
    'src/rotating/expiry.rs': 'src/rotating/deadline.rs',
    'src/rotating/parts.rs': 'src/rotating/shared.rs',
    'src/rotating/desk.rs': 'src/rotating/engine/state.rs',
    **S('src/rotating', 'src/rotating/engine', 'attempt driver guard plan schedule command'),
    **S('src/rotating', 'src/rotating/value', 'content previous proven snapshot'),
    # outbound
    **S('src/outbound', 'src/outbound/inject_key', 'layer service future config outcome'),
    'src/outbound/once.rs': 'src/outbound/inject_key/once.rs',
    **S('src/outbound', 'src/outbound/routes', 'origin route table invalid_routes'),
    **S('src/outbound', 'src/outbound/adapter', 'scheme target'),
    'src/outbound/seam.rs': 'src/outbound/adapter/traits.rs',
    'src/outbound/http_seam.rs': 'src/outbound/adapter/http.rs',
    'src/outbound/fn_seam.rs': 'src/outbound/adapter/client.rs',
    'src/outbound/saved_head.rs': 'src/outbound/adapter/saved_head.rs',
    # inbound
    'src/inbound/require.rs': 'src/inbound/require_key/layer.rs',
    **S('src/inbound', 'src/inbound/require_key', 'service future gate guarded_body original_uri'),
    'src/inbound/watchman.rs': 'src/inbound/require_key/refusal_log.rs',
    'src/inbound/refusal.rs': 'src/inbound/auth_error/error.rs',
    'src/inbound/refuser.rs': 'src/inbound/auth_error/response.rs',
    **S('src/inbound', 'src/inbound/auth_error', 'challenge format'),
    'src/inbound/slot.rs': 'src/inbound/location/location.rs',
    'src/inbound/slots.rs': 'src/inbound/location/locations.rs',
    **S('src/inbound', 'src/inbound/location', 'basic decode extract found query strip token websocket'),
    **S('src/inbound', 'src/inbound/key', 'digest id last_use provenance record scope well_known unfit'),
    'src/inbound/key_set.rs': 'src/inbound/key_set/set.rs',
    'src/inbound/key_list.rs': 'src/inbound/key_set/list.rs',
    'src/inbound/key_text.rs': 'src/inbound/key_set/text.rs',
    'src/inbound/verify.rs': 'src/inbound/key_set/verify.rs',
    **{f'src/inbound/key_file/{n}.rs': f'src/inbound/key_set/key_file/{n}.rs' for n in 'entry invalid mod read shape write'.split()},
    **S('src/inbound/policy', 'src/inbound/policy/route', 'entry matched preflight table template'),
    # keyring
    'src/keyring/policy.rs': 'src/keyring/issuance_policy.rs',
    'src/keyring/decide/terms.rs': 'src/keyring/request/issue.rs',
    'src/keyring/decide/which.rs': 'src/keyring/request/selector.rs',
    'src/keyring/decide/life.rs': 'src/keyring/request/life.rs',
    'src/keyring/store.rs': 'src/keyring/store/store.rs',
    'src/keyring/memory_store.rs': 'src/keyring/store/memory.rs',
    'src/keyring/ring/keeper.rs': 'src/keyring/ring/task.rs',
    'src/keyring/ring/told.rs': 'src/keyring/ring/events.rs',
    'src/keyring/ring/not_changed.rs': 'src/keyring/ring/error.rs',
    'src/keyring/rotator/closure.rs': 'src/keyring/rotator/sink_fn.rs',
    'src/keyring/rotator/file_sink/desk.rs': 'src/keyring/rotator/file_sink/delivery.rs',
    'src/keyring/file_store/desk.rs': 'src/keyring/file_store/commit.rs',
    **{f'src/keyring/ledger/{n}.rs': f'src/keyring/state/{n}.rs' for n in 'change entry invalid mod succeed summary'.split()},
}
FIXED_MODS = {('secret_file',), ('shards',), ('source', 'file'), ('source', 'file', 'unix'), ('inbound', 'key_set', 'key_file'),
    ('keyring', 'file_store'), ('keyring', 'state'), ('keyring', 'rotator'), ('keyring', 'token'), ('keyring', 'use_file'),
    ('keyring', 'rotator', 'file_sink'), ('outbound', 'replay')}
FILE = '#[cfg(feature = "file")]\n'
CFG = {}
ALIASES = {('keyring', 'file_store'): {'os'}, ('source', 'file'): {'os'}}
CRATE_MODS = {('keyring', 'file_store', 'commit'), ('rotating', 'engine', 'driver')}
PUBMODS = {('outbound', 'replay'), ('outbound', 'adapter'), ('inbound', 'policy')}
EXTRA = {
    ('rotating',): 'pub use crate::generation::Generation;\n',
    ('keyring',): 'pub use crate::idempotency::{IdempotencyKey, InvalidIdempotencyKey};\n',
}
MODDOC = {
    ('rotating', 'engine'): 'The refresh task: what it decides, and the loop that does it.',
    ('rotating', 'value'): 'The current value, as it is published.',
    ('outbound', 'inject_key'): 'The layer that puts the current key on each request, and replays what is rejected.',
    ('outbound', 'routes'): 'Which key goes to which origin and path.',
    ('outbound', 'adapter'): 'What the layer asks of a client: where a request goes, and what its answer means.',
    ('inbound', 'require_key'): 'The layer that lets in only requests with a valid key.',
    ('inbound', 'auth_error'): 'Why a request is refused, and what the client is told.',
    ('inbound', 'location'): 'Where in a request a key may stand, and which one is presented.',
    ('inbound', 'key'): 'What is known of one key.',
    ('inbound', 'key_set'): 'The keys that are accepted, and whether a token is one of them.',
    ('inbound', 'policy', 'route'): 'Which entry of the policies is for a request.',
    ('keyring', 'request'): 'What a caller asks of a key ring.',
    ('keyring', 'store'): 'Where the state of a key ring is kept.',
}
PUBLIC_MODULES = {'rotating', 'source', 'outbound', 'inbound', 'keyring'}
PUBLIC = {
    '': 'RotatingAuthLayer Rotating Secret InvalidKey',
    'rotating': 'Builder Current Event EventKind Generation NotRefreshed Publisher Refreshing StartError Status Subscription Upkeep',
    'source': 'BoxSource EnvSource ErrorClass Expiry Fallback Fetch Fetched FileSource InvalidLifetime Pace Pushed Pusher Reason Revision Source SourceError SourceFn TryMap Validate pushed source_fn',
    'outbound': 'AuthScheme Credential InjectKey InjectOnce Injected InjectedOnce IntoCredential InvalidOrigin InvalidRoutes InvalidScheme NotReplayed Origin Outcome OverrideExisting ResponseFuture Route',
    'outbound::replay': 'BufferBody CloneBody MapBody Replay ReplayBody SavedBody Superseded',
    'outbound::adapter': 'Answers Carry Http Inspect Rejection SavedRequest Seam Target',
    'inbound': 'Anonymous Auth ClientId DangerouslyOpen Ended Format GuardedBody GuardedFuture IntoKeySet InvalidChallenge InvalidDigest InvalidId InvalidKeyFile InvalidKeyList InvalidKeySet InvalidKeyText InvalidScope InvalidSlots InvalidToken KeyDigest KeyEnded KeyId KeyPrincipal KeyRecord KeySet KeySetSource NotLoopback OlderKeySet Principal Provenance Refusal Refuser RequireKey Required Scope Scopes Slot Slots Standing Token UnfitKey UnfitKeySet verify_at',
    'inbound::policy': 'Access Audit AuditError AuditedRoute Decision InvalidPolicy Policies PolicyEntry Why',
    'keyring': 'Ageing Change ClientEntry ClientState Commit CommitError FileSink FileStore ForeignKey IdempotencyKey Imported InvalidIdempotencyKey InvalidLedger InvalidPrefix Issued KeyEntry KeyPolicy KeyRing KeyRingBuilder KeyState KeySummary KeyTerms KeyWarning Ledger MaxAge MemoryStore NewKey NoRandomness NotAllowed NotChanged NotRotated NotStarted OlderLedger ParsedToken Prefix Revoke Rotate Rotated Rotation Rotator Sink SinkError SinkFn Store StoreError UnparsedToken UseFile Uses WhichKey sink_fn',
    'mcp': 'KeyedMcpClient',
}
# Names that lib.rs or a mod.rs hands on by itself.
OUTSIDE = {'KeyedMcpClient', 'RotatingAuthLayer', 'Secret', 'InvalidKey', 'Generation', 'IdempotencyKey', 'InvalidIdempotencyKey'}

RENAME = {
    'Injected': 'InjectKey', 'InjectKey': 'InjectKeyLayer', 'InjectOnce': 'InjectKeyOnceLayer', 'InjectedOnce': 'InjectKeyOnce',
    'RequireKey': 'RequireKeyLayer', 'Required': 'RequireKey', 'GuardedFuture': 'ResponseFuture',
    'Seam': 'ClientAdapter', 'Answers': 'ResponseAdapter', 'Carry': 'RequestAdapter', 'Inspect': 'ClassifyRejection', 'Http': 'HttpAdapter',
    'Slot': 'KeyLocation', 'Slots': 'KeyLocations', 'InvalidSlots': 'InvalidKeyLocations',
    'Refusal': 'AuthError', 'Refuser': 'AuthErrorResponse', 'Format': 'ErrorFormat',
    'Policies': 'RoutePolicy', 'Why': 'DecisionReason',
    'KeyPolicy': 'IssuancePolicy', 'ForeignKey': 'ExternalKey', 'KeyTerms': 'IssueRequest', 'Rotate': 'RotateRequest',
    'Revoke': 'RevokeRequest', 'WhichKey': 'KeySelector', 'Ledger': 'KeyRingState', 'InvalidLedger': 'InvalidKeyRingState',
    'OlderLedger': 'OlderKeyRingState', 'Builder': 'RotatingBuilder', 'Pace': 'RefreshInterval', 'NotRefreshed': 'RefreshError',
    'NotStarted': 'KeyRingStartError', 'NotChanged': 'KeyRingError', 'NotRotated': 'RotatorError',
    'ErrorClass': 'SourceErrorKind', 'Reason': 'FetchReason', 'Upkeep': 'RefreshState',
    'by_hand': 'manual', 'ByHand': 'Manual', 'pushed': 'channel', 'Pusher': 'Sender', 'Pushed': 'ChannelSource',
    'refresh_if': 'refresh_newer_than', 'put_on': 'apply_to',
    'Keeper': 'RingTask', 'Watchman': 'RefusalLog', 'watchman': 'refusal_log', 'Ears': 'PathWatcher',
    'KeyedMcpClient': 'KeyedMcpClient', 'ResponseFuture': 'ResponseFuture',
}
# Names that other crates, and words of prose, have too: renamed where a file has them from here.
AMBIGUOUS = {'Builder', 'Http', 'Slot', 'Slots', 'Required', 'Format', 'Rotate', 'Revoke', 'Answers', 'Reason', 'Why', 'Inspect', 'Seam', 'Carry', 'Policies',
    'Refusal', 'Ledger', 'Injected', 'Pace', 'Keeper', 'pushed'}
# Items of that name that are others.
PRIVATE = {'src/source/channel.rs': ('Slot',)}
RENAME_RE = [
    (r'thread::RotatingBuilder', 'thread::Builder'),
    (r'\.accepted\(', '.report_accepted('), (r'\bfn accepted\b', 'fn report_accepted'), (r'Rotating::accepted\b', 'Rotating::report_accepted'),
    (r'\bpusher\b', 'sender'), (r'\bsender\.push\(', 'sender.send('),
    (r'\bupkeep\b', 'refresh_state'), (r'RefreshState::Refreshed', 'RefreshState::Running'),
]
SUBST = {
    'src/outbound/routes/invalid_routes.rs': [('[`Route`] writes', '[`Route`](crate::outbound::Route) writes')],
    'src/rotating/mod.rs': [('The [`Source`] is', 'The [`Source`](crate::source::Source) is')],
    'src/source/file/mod.rs': [('([`look`])', '([`probe`])')],
    'src/inbound/key_set/source.rs': [('[`IntoKeySet::key_set`](crate::inbound::IntoKeySet::key_set)', '[`IntoKeySet::key_set`]')],
    'src/source/channel.rs': [('pub fn push(', 'pub fn send(')],
    'tests/it/keyring/law.rs': [('    RotateRequest(', '    Rotate('), ('    RevokeRequest(', '    Revoke(')],
    'src/rotating/status.rs': [('    Refreshed,', '    Running,')],
    'src/inbound/location/locations.rs': [('use http::{header};\n', '')],
    'src/inbound/location/location.rs': [('use super::locations::KeyLocations;\n', ''), ('mod tests {\n', 'mod tests {\n    use super::super::locations::KeyLocations;\n'), ('    fn check(', '    pub(crate) fn check(')],
    'src/outbound/adapter/scheme.rs': [('const fn port(', 'pub(crate) const fn port(')],
    'src/clock.rs': [('    fn between(', '    pub(crate) fn between(')],
    'src/keyring/use_file/mod.rs': [('commit as desk', 'commit'), ('desk::', 'commit::')],
}
def lib(text):
    import re
    i = text.index('mod inbound;\n')
    home = {n: m for m, names in PUBLIC.items() for n in names.split()}
    def link(m):
        name = m[1].split('::')[0]
        if not home.get(name): return m[0]
        return f'[`{RENAME.get(name, name)}{m[1][len(name):]}`]({home[name]}::{m[1]})'
    return re.sub(r'\[`(\w+(?:::\w+)?)`\](?!\()', link, text[:i]) + LIB
LIB = '''pub mod inbound;
pub mod keyring;
pub mod outbound;
pub mod rotating;
pub mod source;

mod clock;
mod generation;
mod idempotency;
mod key;
mod layer;
#[cfg(feature = "rmcp")]
pub mod mcp;
mod path;
mod secret;
#[cfg(feature = "file")]
mod secret_file;
mod shards;
mod tchar;

pub use self::key::InvalidKey;
pub use self::layer::RotatingAuthLayer;
pub use self::rotating::Rotating;
pub use self::secret::Secret;

#[cfg(all(doctest, feature = "file", feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/guide/limits-and-retries.md")]
struct LimitsAndRetries;
'''
