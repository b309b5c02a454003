#!/usr/bin/env python3
"""Moves files and items of src/ and renames them, as plan.py says. Run at the root of the tree; applied to the parent
commit, with `cargo fmt` after it, it gives the commit."""
import re, os, sys, subprocess, collections
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import plan

ROOT = os.getcwd()
read = lambda p: open(p, encoding='utf-8').read()
def write(p, t):
    os.makedirs(os.path.dirname(p) or '.', exist_ok=True)
    open(p, 'w', encoding='utf-8').write(t)

def module_of(path):
    p = path[len('src/'):-3]
    parts = p.split('/')
    if parts[-1] == 'mod': parts.pop()
    return () if parts == ['lib'] else tuple(parts)

# ---------------------------------------------------------------- items of a file
ITEM = re.compile(r'^(?:pub(?:\([^)]*\))? )?(?:const (?=fn)|async |unsafe )*(struct|enum|trait|fn|type|const|static|union) (?:r#)?([A-Za-z_]\w*)', re.M)
def items(text):
    return {m.group(2) for m in ITEM.finditer(text)} | set(re.findall(r'^    (?:pub(?:\([^)]*\))? )?(?:struct|enum) (\w+)', text, re.M))

def blocks(text):
    """Top-level blocks of a file: (name or None, start, end), contiguous over the part after the imports."""
    lines = text.split('\n')
    out, i, n = [], 0, len(lines)
    start = None
    while i < n:
        line = lines[i]
        if start is None:
            if line.strip() == '': i += 1; continue
            start = i
        if line.startswith('//!'): start = None; i += 1; continue
        if re.match(r'^(///|//(?!!)|#\[)', line):
            # attributes may span lines
            if line.startswith('#[') and not line.rstrip().endswith(']'):
                while not lines[i].startswith(')]') and not lines[i].rstrip().endswith(')]'): i += 1
            i += 1; continue
        # an item's first line
        depth, j = 0, i
        while True:
            code = re.sub(r"'(\\.|[^'\\])'", "''", re.sub(r'"(\\.|[^"\\])*"', '""', lines[j].split('// ')[0] if not lines[j].lstrip().startswith('//') else ''))
            depth += sum(code.count(c) for c in '{([') - sum(code.count(c) for c in '})]')
            if depth == 0 and (code.rstrip().endswith(('}', ';'))): break
            j += 1
        out.append((lines[i], start, j + 1))
        start = None; i = j + 1
    return lines, out

def owner(head):
    m = ITEM.match(head)
    if m: return m.group(2)
    m = re.match(r'^impl(?:<.*?>)? (?:.* for )?&?(?:\w+::)*(\w+)', head)
    if head.startswith('impl'):
        h = re.sub(r'^impl(<(?:[^<>]|<[^<>]*>)*>)?\s*', '', head)
        if ' for ' in h: h = h.split(' for ')[1]
        h = h.lstrip('&')
        m = re.match(r"(?:'\w+ )?(?:\w+::)*(\w+)", h)
        return m.group(1) if m else None
    return None

# ---------------------------------------------------------------- use trees
def split_top(s):
    out, depth, cur = [], 0, ''
    for c in s:
        if c == '{': depth += 1
        if c == '}': depth -= 1
        if c == ',' and depth == 0: out.append(cur.strip()); cur = ''
        else: cur += c
    if cur.strip(): out.append(cur.strip())
    return out
def flatten(tree, prefix=()):
    """Yields (path tuple, alias)."""
    tree = tree.strip()
    m = re.match(r'^((?:[\w#]+::)*)\{(.*)\}$', tree, re.S)
    if m:
        pre = prefix + tuple(x for x in m.group(1).split('::') if x)
        for part in split_top(m.group(2)): yield from flatten(part, pre)
        return
    alias = None
    if ' as ' in tree: tree, alias = [x.strip() for x in tree.split(' as ')]
    path = prefix + tuple(tree.split('::'))
    if path[-1] == 'self': path = path[:-1]
    yield path, alias
USE = re.compile(r'^(?P<ind>[ ]*)(?P<vis>pub(?:\([^)]*\))? )?use (?P<tree>(?:crate|super|self)\b[^;]*);\n', re.M)
USE_SPLIT = re.compile(r'^(?P<vis>pub(?:\([^)]*\))? )?use (?P<tree>[^;]*);\n', re.M)

def group(paths):
    """Paths (tuple, alias) to one nested use tree per first two segments."""
    byprefix = collections.OrderedDict()
    for p, a in sorted(set(paths), key=lambda x: (x[0], x[1] or '')):
        byprefix.setdefault(p[:-1], []).append(p[-1] + (f' as {a}' if a else ''))
    return byprefix

# ---------------------------------------------------------------- the old tree
old_files = subprocess.check_output(['git', 'ls-files', 'src/*.rs'], text=True).split()
texts = {f: read(f) for f in old_files}

# 1. splits: items leave for a new file, inside the old tree (their imports come along, unused ones go)
def prune(text, keep=()):
    body = re.sub(r'^\s*//.*$', '', USE_SPLIT.sub('', text), flags=re.M)
    def fix(m):
        out = []
        for p, a in flatten(' '.join(m['tree'].split())):
            name = a or p[-1]
            if name == '_' or (name in keep and re.search(keep[name], body)) or name == '*' or re.search(r'\b%s\b' % re.escape(name), body): out.append((p, a))
        if not out: return ''
        return ''.join(f"{m['vis'] or ''}use " + '::'.join(pre) + ('::{' + ', '.join(n) + '}' if len(n) > 1 else '::' + n[0]) + ';\n'
                       if pre else f"{m['vis'] or ''}use {n[0]};\n" for pre, n in group(out).items())
    return USE_SPLIT.sub(fix, text)

moved_items = {}   # old defining module -> {item: new defining file}
for src, targets in plan.SPLIT.items():
    text = texts[src]
    lines, bl = blocks(text)
    taken = {}
    uses = [l for head, s, e in bl if re.match(r'^(pub(\([^)]*\))? )?use ', head) for l in ['\n'.join(lines[s:e])]]
    gone = set()
    for target, (doc, names) in targets.items():
        parts = []
        for head, s, e in bl:
            if owner(head) in names and not re.match(r'^(pub(\([^)]*\))? )?(use|mod) ', head):
                parts.append('\n'.join(lines[s:e])); gone.add((s, e))
        new = f'//! {doc}\n\n' + '\n'.join(uses) + '\n\n' + '\n\n'.join(parts) + '\n'
        taken[target] = new
        moved_items.setdefault(module_of(src), {}).update({n: target for n in names})
    keep_lines = list(lines)
    for s, e in sorted(gone, reverse=True):
        if e < len(keep_lines) and keep_lines[e].strip() == '': e += 1
        del keep_lines[s:e]
    rest = '\n'.join(keep_lines)
    # what stays imports what left, and what left imports what stays; prune takes away what is not needed
    def with_imports(t, own):
        adds = []
        for target, (doc, names) in targets.items():
            if target != own: adds += [f'use crate::{"::".join(module_of(target))}::{n};' for n in sorted(names)]
        if own != src:
            for n in sorted(items(rest)): adds.append(f'use crate::{"::".join(module_of(src))}::{n};')
        at = re.search(r'^(pub(\([^)]*\))? )?use ', t, re.M)
        if adds and at: t = t[:at.start()] + '\n'.join(adds) + '\n' + t[at.start():]
        elif adds: 
            i = t.index('\n\n') + 2; t = t[:i] + '\n'.join(adds) + '\n\n' + t[i:]
        return prune(t, plan.KEEP_IMPORTS)
    for target, new in taken.items():
        # super:: of the old file is the new file's too only if they are siblings: made absolute below
        base = module_of(src)[:-1] if not src.endswith('mod.rs') else module_of(src)
        mod = module_of(src)
        def absolute(m):
            seg = m['tree'].split('::')
            up = 0
            while seg and seg[0].startswith('super'): up += 1; seg.pop(0)
            if up: return f"{m['ind']}{m['vis'] or ''}use crate::" + '::'.join(mod[:len(mod)-up] + tuple(seg)) + ';\n'
            if seg[0] == 'self': return f"{m['ind']}{m['vis'] or ''}use crate::" + '::'.join(mod + tuple(seg[1:])) + ';\n'
            return m[0]
        new = USE.sub(lambda m: absolute(m) if not m['ind'] else m[0], new)
        new = with_imports(new, target)
        if target in texts:
            old_uses = [m[0] for m in USE_SPLIT.finditer(texts[target])]
            new_uses = [m[0] for m in USE_SPLIT.finditer(new)]
            first = re.match(r'//![^\n]*\n', texts[target])[0]
            bodies = USE_SPLIT.sub('', texts[target])[len(first):].strip() + '\n\n' + re.sub(r'^//![^\n]*\n', '', USE_SPLIT.sub('', new)).strip()
            new = prune(first + '\n' + ''.join(dict.fromkeys(old_uses + new_uses)) + '\n' + bodies + '\n', plan.KEEP_IMPORTS)
        texts[target] = new
    texts[src] = with_imports(rest, src)
    if not items(texts[src]) and not re.search(r'^impl', texts[src], re.M): del texts[src]

# a file imports nothing that it defines
for f in {t for targets in plan.SPLIT.values() for t in targets}:
    own = items(texts[f])
    def others_only(m):
        left = [(p, a) for p, a in flatten(' '.join(m['tree'].split())) if p[-1] not in own or p[0] not in ('crate', 'super')]
        return ''.join(f"{m['vis'] or ''}use " + '::'.join(pre + ('{' + ', '.join(n) + '}',)) + ';\n' for pre, n in group(left).items())
    texts[f] = USE_SPLIT.sub(others_only, texts[f])

# 2. where everything is, in the old tree and in the new one
new_path = lambda f: plan.MOVE.get(f, f)
MOD = re.compile(r'^((?:#\[[^\n]*\]\n)*)(pub(?:\([^)]*\))? )?mod (\w+);\n', re.M)
cfg_of = {}        # new module -> cfg attributes
old_mods = {module_of(f): f for f in texts}
for f, t in texts.items():
    for m in MOD.finditer(t):
        child = module_of(f) + (m[3],)
        attrs = ''.join(a + '\n' for a in re.findall(r'#\[[^\n]*\]', m[1]) if 'cfg' in a or 'path' in a)
        cf = old_mods.get(child)
        if cf and attrs: cfg_of[module_of(new_path(cf))] = attrs
cfg_of.update(plan.CFG)
defs = {}          # old module -> set of items
for f, t in texts.items(): defs[module_of(f)] = items(t)
# item -> file-level module (old) for the names re-exported by mod.rs files
reexp = {}
for f, t in texts.items():
    q = module_of(f)
    for m in re.finditer(r'^(?:pub(?:\([^)]*\))? )use ((?:self|super|crate)\b[^;]*);', t, re.M):
        for p, a in flatten(' '.join(m[1].split())):
            reexp.setdefault(q, {})[a or p[-1]] = p

def absolute_path(p, q):
    p = list(p)
    if p[0] == 'crate': return tuple(p[1:])
    if p[0] == 'self': return q + tuple(p[1:])
    up = 0
    while p and p[0] == 'super': p.pop(0); up += 1
    return (q[:len(q) - up] if up else q) + tuple(p)

file_of_mod = {module_of(f): f for f in texts}
def find(path, q):
    """(defining old module, item or None, rest) of a path seen from module q."""
    p = absolute_path(path, q)
    for n in range(len(p), -1, -1):
        mod = p[:n]
        if mod in file_of_mod:
            rest = p[n:]
            if not rest and n and p[-1] in reexp.get(p[:-1], {}): continue
            if not rest: return mod, None, ()
            name = rest[0]
            moved = moved_items.get(mod, {}).get(name)
            if moved: return module_of(moved), name, rest[1:]
            if name in defs[mod]: return mod, name, rest[1:]
            re_ = reexp.get(mod, {}).get(name)
            if re_:
                found = find(re_, mod)
                if found and found[1] is None: return found[0], rest[1] if len(rest) > 1 else None, rest[2:]
                return (found[0], found[1], rest[1:]) if found else None
            if mod in plan.ALIASES and name in plan.ALIASES[mod]: return mod, name, rest[1:]
            return None
    # a file that was split away whole
    for n in range(len(p) - 1, -1, -1):
        mod = p[:n]
        name = p[n] if n < len(p) else None
        moved = moved_items.get(mod, {}).get(name)
        if moved: return module_of(moved), name, p[n + 1:]
    return None
newmod = {module_of(f): module_of(new_path(f)) for f in texts}

PUBLIC = {}        # old item name -> public module (new), () for the root
for mod, names in plan.PUBLIC.items():
    for n in names.split(): PUBLIC.setdefault(n, tuple(x for x in mod.split('::') if x))
need = collections.defaultdict(dict)  # folder module -> {(child, item): 'pub'|'pub(crate)'}
def ensure(folder, target, item, vis):
    """Makes `item`, which is defined in `target`, a name of `folder`."""
    while folder != target:
        child = target[len(folder)]
        if folder not in plan.FIXED_MODS:
            old = need[folder].get((child, item))
            need[folder][(child, item)] = 'pub' if 'pub' in (old, vis) else 'pub(crate)'
        folder = folder + (child,)
def path_to(d, item, q):
    """The shortest visible path from new module q to `item` of new module d (item None: the module itself)."""
    if item is None:
        t = d
        a = 0
        while a < len(t) and a < len(q) and t[a] == q[a]: a += 1
        if a == len(t): return t
        if len(t) - a > 1 and not (len(t) - a == 2 and t in plan.CRATE_MODS): return ('!',) + t
        return t
    a = 0
    while a < len(d) and a < len(q) and d[a] == q[a]: a += 1
    if a == len(d): return d + (item,)
    c = d[:a + 1]
    while c != d and d[:len(c) + 1] in plan.PUBMODS | plan.CRATE_MODS: c = d[:len(c) + 1]
    ensure(c, d, item, 'pub(crate)')
    return c + (item,)
def relative(p, q, is_mod_rs):
    """How a file of module q writes the absolute path p."""
    if p[:len(q)] == q and len(p) > len(q) and is_mod_rs: return ('self',) + p[len(q):]
    if q and p[:len(q) - 1] == q[:-1] and len(p) >= len(q): return ('super',) + p[len(q) - 1:]
    return ('crate',) + p

problems = []
def rewrite_file(f, t):
    q, nf = module_of(f), new_path(f)
    nq = module_of(nf)
    is_mod = nf.endswith('/mod.rs')
    regenerated = nq not in plan.FIXED_MODS and f.endswith('/mod.rs')
    def use(m):
        inner = bool(m['ind'])
        mq, mnq = (q + ('tests',), nq + ('tests',)) if inner else (q, nq)
        out = []
        for p, a in flatten(' '.join(m['tree'].split())):
            if p[-1] == '*':
                if p == ('super', '*'): return m[0]
                problems.append((f, p)); return m[0]
            if m['vis'] and f.endswith('/mod.rs') and regenerated and p[0] == 'self': continue
            if p[0] == 'self' and not regenerated and f.endswith('/mod.rs'): out.append((p, a)); continue
            found = find(p, mq)
            if not found: problems.append((f, p)); out.append((p, a)); continue
            d, item, rest = found
            np = path_to(newmod[d], item, nq)
            if np[0] == '!': problems.append((f, p, 'module not visible')); np = np[1:]
            if item is None and a is None and np[-1] != p[-1]: a = p[-1]
            if inner and np[:len(nq)] == nq: np2 = ('super',) + np[len(nq):]
            else: np2 = relative(np, nq, is_mod) if not inner else ('crate',) + np
            out.append((np2 + rest, a))
        return ''.join(f"{m['ind']}{m['vis'] or ''}use " + '::'.join(pre) + ('::{' + ', '.join(n) + '}' if len(n) > 1 else '::' + n[0]) + ';\n'
                       for pre, n in group(out).items())
    if regenerated:
        t = re.sub(r'^(?:#\[[^\n]*\]\n)*pub(?:\([^)]*\))? use self::[^;]*;\n', '', t, flags=re.M)
    uses, holes = [], []
    t = USE.sub(lambda m: (uses.append(use(m)), f'\x00{len(uses) - 1}\x00')[1], t)
    def expr(m):
        line_start = t.rfind('\n', 0, m.start()) + 1
        line = t[line_start:m.start()]
        doc = re.match(r'\s*//[/!]', line)
        seg = tuple(m[0].split('::'))
        if re.match(r'\s*(pub(\([^)]*\))? )?use ', line): return m[0]
        if line.rstrip().endswith('in') and 'pub(in' in line: return m[0]
        inner = line.startswith('    ') and in_tests(t, m.start())
        found = find(seg, q + ('tests',) if inner else q)
        if not found:
            if seg[0] == 'crate' and len(seg) > 1 and seg[1] in PUBLIC:
                return 'crate::' + '::'.join(PUBLIC[seg[1]] + seg[1:])
            if not doc or seg[0] == 'crate': problems.append((f, seg, line.strip()[:60]))
            return m[0]
        d, item, rest = found
        if doc:
            if item in PUBLIC: return '::'.join(('crate',) + PUBLIC[item] + (item,) + rest)
            if item is None: return m[0]
            return '::'.join(('crate',) + newmod[d] + (item,) + rest)
        np = path_to(newmod[d], item, nq)
        if np[0] == '!': problems.append((f, seg, 'module not visible')); np = np[1:]
        r = relative(np, nq, is_mod)
        if inner and r[0] != 'crate': r = ('crate',) + np
        return '::'.join(r + rest)
    t = re.sub(r'\b(?:crate|super|self)(?:::[A-Za-z_]\w*)+', expr, t)
    t = re.sub('\x00(\\d+)\x00', lambda m: uses[int(m[1])], t)
    if regenerated: t = MOD.sub('', t)
    elif f.endswith('/mod.rs'):
        for child in [m[3] for m in MOD.finditer(t)]:
            n = newmod.get(q + (child,))
            if n and n[:-1] == nq and n[-1] != child:
                t = re.sub(r'\b(mod |self::|\[`)%s\b' % child, r'\g<1>' + n[-1], t)
    t = re.sub(r'pub\((?:super|in [^)]*)\)', 'pub(crate)', t)
    return nf, t
def in_tests(t, pos):
    i = t.find('\n#[cfg(test)]\nmod tests {')
    return i != -1 and pos > i

out = {}
for f, t in sorted(texts.items()):
    if f == 'src/lib.rs': continue
    nf, nt = rewrite_file(f, t)
    out[nf] = nt
for name, mod in PUBLIC.items():
    if name in plan.OUTSIDE: continue
    cands = [newmod[m] for m in defs if name in defs[m]]
    cands = [c for c in cands if c[:len(mod)] == mod] if mod else cands
    if not cands: problems.append(('PUBLIC', name, [newmod[m] for m in defs if name in defs[m]])); continue
    if not cands: problems.append(('PUBLIC', name)); continue
    for c in cands[:1]:
        if mod: ensure(mod, c, name, 'pub')
        elif c: ensure(c[:1], c, name, 'pub')

# 3. mod.rs of every folder that is not fixed
plan_defs = {newmod[m]: d for m, d in defs.items()}
folders = {module_of(n)[:-1] if not n.endswith('/mod.rs') else module_of(n) for n in out}
allmods = set()
for n in out:
    m = module_of(n)
    for i in range(1, len(m) + 1): allmods.add(m[:i])
for folder in sorted({m[:-1] for m in allmods if len(m) > 1}):
    if folder in plan.FIXED_MODS: continue
    path = 'src/' + '/'.join(folder) + '/mod.rs'
    old = out.get(path)
    doc = plan.MODDOC.get(folder)
    if old is None:
        if doc is None: problems.append(('no doc for', folder)); doc = '?'
        head, body = ''.join('//! ' + l + '\n' if l else '//!\n' for l in doc.split('\n')), ''
    else:
        m = re.match(r'(?:(?://!.*|#!\[[^\n]*\])\n)+', old)
        head, body = m[0], old[m.end():]
        if doc: head = ''.join(('//! ' + l).rstrip() + '\n' for l in doc.split('\n'))
    mods = []
    for child in sorted(c[-1] for c in allmods if c[:-1] == folder and len(c) == len(folder) + 1):
        vis = 'pub ' if folder + (child,) in plan.PUBMODS else 'pub(crate) ' if folder + (child,) in plan.CRATE_MODS else ''
        mods.append(cfg_of.get(folder + (child,), '') + f'{vis}mod {child};\n')
    res = collections.defaultdict(list)
    for (child, item), vis in need.get(folder, {}).items():
        res[(child, vis)].append(item)
    lines = []
    for (child, vis), its in sorted(res.items()):
        attrs = cfg_of.get(folder + (child,), '')
        # what a child re-exports under a condition keeps that condition
        byattr = collections.defaultdict(list)
        for it in its:
            extra = attrs
            for m in allmods:
                if m[:len(folder) + 1] == folder + (child,) and len(m) > len(folder) + 1 and it in plan_defs.get(m, ()) and not attrs:
                    for i in range(len(folder) + 2, len(m) + 1): extra += cfg_of.get(m[:i], '')
            byattr[extra].append(it)
        for extra, its2 in sorted(byattr.items()):
            n = sorted(set(its2))
            lines.append(extra + f"{vis} use self::{child}::" + ('{' + ', '.join(n) + '}' if len(n) > 1 else n[0]) + ';\n')
    out[path] = head + '\n' + ''.join(mods) + '\n' + ''.join(lines) + plan.EXTRA.get(folder, '') + '\n' + body.lstrip('\n')

# 4. everybody outside of src/, and the examples in its documentation
EXT = re.compile(r'(?P<pre>(?:^[ \t]*(?://[/!] ?(?:# )?)?)?)use tower_rotating_auth::(?P<tree>[\w:]*\{[^;]*\}|[\w:]+(?: as \w+)?);', re.M)
def external(t):
    def use(m):
        pre = m['pre']
        prefix = re.match(r'[ \t]*(//[/!] ?(?:# )?)?', pre)
        tree = m['tree']
        hidden = '# ' in pre or re.search(r'\n[ \t]*//[/!] # ', tree)
        clean = re.sub(r'\n[ \t]*//[/!] ?(?:# ?)?', '\n', tree)
        by = collections.defaultdict(list)
        for p, a in flatten(' '.join(clean.split())):
            home = PUBLIC.get(p[0])
            if home is None: return m[0]
            by['::'.join(home)].append('::'.join(p) + (f' as {a}' if a else ''))
        parts = [x for x in sorted(by.pop('', []))]
        parts += [f'{mod}::' + ('{' + ', '.join(sorted(n)) + '}' if len(n) > 1 else n[0]) for mod, n in sorted(by.items())]
        body = '{' + ', '.join(parts) + '}' if len(parts) > 1 else parts[0]
        text = f'use tower_rotating_auth::{body};'
        if '//' in pre and len(pre) + len(text) > 98 and len(parts) > 1:
            lead = pre
            text = 'use tower_rotating_auth::{\n' + ''.join(f'{lead}    {p},\n' for p in parts) + f'{lead}}};'
        return pre + text
    t = EXT.sub(use, t)
    def expr(m):
        home = PUBLIC.get(m[1])
        return m[0] if home is None else '::'.join(('tower_rotating_auth',) + home + (m[1],))
    return re.sub(r'\btower_rotating_auth::([A-Za-z_]\w*)\b(?!::\{)', lambda m: m[0] if m[1] in plan.PUBLIC_MODULES else expr(m), t)

others = subprocess.check_output(['git', 'ls-files', 'tests/*.rs', 'examples/*.rs', 'benches/*.rs', 'fuzz/*.rs', '*.md', 'crates/*.rs'], text=True).split()
rest = {f: read(f) for f in others}
lib = texts['src/lib.rs']

def imported(f, t):
    """The ambiguous names that a file has from this crate."""
    names = set()
    if f.startswith('src/'):
        names |= {n for n in plan.AMBIGUOUS if n in items(t)} - set(plan.PRIVATE.get(f, ()))
        for m in re.finditer(r'\buse ((?:crate|super|self)\b[^;]*);', t):
            names |= {p[-1] for p, a in flatten(' '.join(m[1].split()))}
    for m in re.finditer(r'use (tower_rotating_auth\b[^;]*);', t):
        clean = re.sub(r'\n[ \t]*//[/!] ?(?:# ?)?', ' ', m[1])
        names |= {p[-1] for p, a in flatten(' '.join(clean.split()))}
    return names
final = {}
for f, t in list(out.items()) + list(rest.items()): final[f] = external(t)
final['src/lib.rs'] = plan.lib(external(lib))

# 5. names
word = re.compile(r'\b(' + '|'.join(sorted(map(re.escape, plan.RENAME), key=len, reverse=True)) + r')\b')
for f in final:
    if f == 'CHANGELOG.md': continue
    t = final[f]
    ours = imported(f, t)
    def renamed(m):
        around = t[max(0, m.start() - 40):m.start()]
        if m[1] in plan.AMBIGUOUS and re.search(r'\b([A-Z]\w*|args)::$', around): return m[1]
        if m[1] not in plan.AMBIGUOUS or m[1] in ours: return plan.RENAME[m[1]]
        if re.search(r'tower_rotating_auth(::\w+)*::$' if not f.startswith('src/') else r'(tower_rotating_auth|crate|super|self)(::\w+)*::$', around) or (around.endswith('`') and f.endswith('.md')) or around.endswith('[`') or (f == 'src/lib.rs' and re.search(r'\(\w+(::\w+)*::$', around)): return plan.RENAME[m[1]]
        return m[1]
    t = word.sub(renamed, t)
    for pattern, to in plan.RENAME_RE: t = re.sub(pattern, to, t)
    for old, new in plan.SUBST.get(f, []):
        if old not in t: problems.append((f, 'no such text', old[:60])); continue
        t = t.replace(old, new)
    final[f] = t

for f in old_files:
    if os.path.exists(f): os.remove(f)
for f, t in final.items(): write(f, t)
for d, _, fs in os.walk('src', topdown=False):
    if not os.listdir(d): os.rmdir(d)
for p in problems: print('PROBLEM', *p)
