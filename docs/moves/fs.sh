#!/usr/bin/env bash
# Moves what opens, reads, replaces and locks files to src/fs: applied to its commit, it gives the next one.
set -euo pipefail
cd "$(git rev-parse --show-toplevel)"
mkdir -p src/fs/unix src/fs/portable
git mv src/secret_file/{exposure,mod,read}.rs src/fs/
git mv src/secret_file/unix.rs src/fs/unix/open.rs
git mv src/secret_file/portable.rs src/fs/portable/open.rs
for file in lock place replace; do git mv "src/keyring/file_store/$file.rs" src/fs/; done
git mv src/keyring/file_store/unix.rs src/fs/unix/owner.rs
git mv src/keyring/file_store/portable.rs src/fs/portable/owner.rs
git mv src/keyring/file_store/{acl,no_acl}.rs src/fs/unix/

cat > src/fs/mod.rs <<'RS'
//! Files that hold secrets: opened without hanging, with who may get at them, read with a bound.

mod exposure;
mod lock;
mod place;
mod read;
mod replace;

#[cfg(not(all(unix, not(portable_only))))]
mod portable;
#[cfg(all(unix, not(portable_only)))]
mod unix;

#[cfg(not(all(unix, not(portable_only))))]
use self::portable as os;
#[cfg(all(unix, not(portable_only)))]
use self::unix as os;

pub(crate) use self::exposure::Exposure;
pub(crate) use self::lock::Lock;
pub(crate) use self::os::{exposure, give, open, private};
pub(crate) use self::place::Place;
pub(crate) use self::read::{Bytes, read};
pub(crate) use self::replace::{Readers, Step, replace, sync_folder};
RS
cat > src/fs/unix/mod.rs <<'RS'
//! What Unix can do: an open that never hangs, permission bits, owners.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod acl;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "no_acl.rs"]
mod acl;
mod open;
mod owner;

pub(crate) use self::open::{exposure, open};
pub(crate) use self::owner::{
    give, give_as_far_as_allowed, give_to_readers_of, is_at, private, sync_folder,
};
RS
cat > src/fs/portable/mod.rs <<'RS'
//! What every system can do.

mod open;
mod owner;

pub(crate) use self::open::{exposure, open};
pub(crate) use self::owner::{
    give, give_as_far_as_allowed, give_to_readers_of, is_at, private, sync_folder,
};
RS
sed -i 's/^use super::exposure::Exposure;/use crate::fs::Exposure;/' src/fs/{unix,portable}/open.rs

# What used it.
python3 - <<'PY'
import re
from pathlib import Path

def edit(path, *pairs):
    text = Path(path).read_text()
    for old, new in pairs:
        assert old in text, (path, old)
        text = text.replace(old, new)
    Path(path).write_text(text)

edit("src/lib.rs", ('#[cfg(feature = "file")]\nmod secret_file;\n', ''),
     ('mod clock;\n', 'mod clock;\n#[cfg(feature = "file")]\nmod fs;\n'))
edit(".ci/run", ("source::file secret_file keyring", "source::file fs:: keyring"))
store = "src/keyring/file_store/"
text = Path(store + "mod.rs").read_text()
start, end = text.index("#[cfg(all(any(target_os"), text.index("use std::panic")
text = text[:start] + text[end:]
text = text.replace("mod lock;\n", "").replace("mod place;\nmod replace;\n", "")
Path(store + "mod.rs").write_text(text)
edit(store + "commit.rs",
     ("use super::lock::Lock;\n", ""), ("use super::place::Place;\n", ""),
     ("use super::replace::{Readers, Step, replace, sync_folder};\n", ""),
     ("use crate::keyring::state", "use crate::fs;\nuse crate::fs::{Exposure, Lock, Place, Readers, Step, replace, sync_folder};\nuse crate::keyring::state"),
     ("use crate::secret_file;\nuse crate::secret_file::Exposure;\n", ""))
edit(store + "note.rs", ("use super::os;", "use crate::fs::{give, private};"), ("os::private", "private"), ("os::give", "give"))
edit(store + "tests/faults.rs", ("crate::keyring::file_store::replace::Step", "crate::fs::Step"))
edit("src/keyring/rotator/file_sink/delivery.rs",
     ("use crate::keyring::file_store::{Lock, Place, Readers, Step, replace};\nuse crate::secret_file;\nuse crate::secret_file::Exposure;\n", ""),
     ("use crate::inbound", "use crate::fs::{Exposure, Lock, Place, Readers, Step, replace};\nuse crate::inbound"))
edit("src/keyring/use_file/mod.rs",
     ("use super::file_store::{Lock, Place, Readers, commit, off_the_runtime, replace};", "use super::file_store::{commit, off_the_runtime};"),
     ("use crate::secret_file;\n", ""),
     ("use crate::inbound", "use crate::fs::{Lock, Place, Readers, replace};\nuse crate::inbound"))
edit("src/source/file/content.rs", ("use crate::secret_file::Bytes;\n", ""), ("use crate::secret::Secret", "use crate::fs::Bytes;\nuse crate::secret::Secret"))
edit("src/source/file/warnings.rs", ("crate::secret_file", "crate::fs"))
edit("src/source/file/probe.rs", ("use crate::secret_file;\nuse crate::secret_file::Exposure;", "use crate::fs::Exposure;"))
for path in [store + "commit.rs", "src/keyring/rotator/file_sink/delivery.rs", "src/keyring/use_file/mod.rs", "src/source/file/probe.rs"]:
    text = Path(path).read_text()
    text = re.sub(r"\bsecret_file::", "crate::fs::", text)
    text = text.replace("use crate::fs;\n", "")
    Path(path).write_text(text)
PY
cargo fmt --all
git add -A
