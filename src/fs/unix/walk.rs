//! Finds the directory that holds a file, one name at a time.
//!
//! A link that another user may have made could lead a privileged process to any file. It is
//! followed only if it leads to a file or a directory of that user. A check of the path before it
//! is opened could be raced: here each name is looked up in a directory that is held open.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Component, Path};

use rustix::io::Errno;
use rustix::process::geteuid;

use super::directory::Directory;

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// Follows all links, and returns the directory that holds the file, with its name. The file need
/// not exist, unless a link leads to it; its directory must.
pub(crate) fn find(path: &Path) -> io::Result<(Directory, OsString)> {
    let path = std::path::absolute(path)?;
    let mut todo = reversed(&path);
    let mut directory = Directory::root()?;
    let mut links = 0;
    let mut leads_to_the_file = false;
    // Those who may have made a link that was followed.
    let mut makers = Vec::new();
    while let Some(name) = todo.pop() {
        match name {
            Name::Root => directory = Directory::root()?,
            Name::Up => directory = directory.enter("..".as_ref())?,
            Name::Entry(name) => match directory.link(&name) {
                Ok(Some(link)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    leads_to_the_file |= todo.is_empty();
                    makers.extend(maker(&directory, link.owner)?);
                    todo.extend(reversed(&link.target));
                }
                Ok(None) if todo.is_empty() => {
                    allowed(&makers, &directory, &name)?;
                    return Ok((directory, name));
                }
                Ok(None) => directory = directory.enter(&name)?,
                Err(error)
                    if error.kind() == ErrorKind::NotFound
                        && todo.is_empty()
                        && !leads_to_the_file =>
                {
                    allowed(&makers, &directory, &name)?;
                    return Ok((directory, name));
                }
                Err(error) => return Err(error),
            },
        }
    }
    Err(ErrorKind::IsADirectory.into())
}

enum Name {
    Root,
    Up,
    Entry(OsString),
}

/// Returns the names of a path, the first one last.
fn reversed(path: &Path) -> Vec<Name> {
    let names = path.components().rev();
    names
        .filter_map(|name| match name {
            Component::RootDir => Some(Name::Root),
            Component::ParentDir => Some(Name::Up),
            Component::Normal(name) => Some(Name::Entry(name.to_owned())),
            Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// Returns the user who may have made a link in this directory, unless that is this user or root.
fn maker(directory: &Directory, owner: u32) -> io::Result<Option<u32>> {
    let holder = directory.stat()?;
    let is_held_fast = is_trusted(holder.st_uid)
        && (holder.st_mode & 0o022 == 0
            // In a sticky directory, nobody else can replace a link of ours.
            || (holder.st_mode & 0o1000 != 0 && is_trusted(owner)));
    Ok((!is_held_fast).then_some(owner))
}

/// Fails if a link leads to what does not belong to the user who may have made it.
fn allowed(makers: &[u32], directory: &Directory, name: &OsString) -> io::Result<()> {
    if makers.is_empty() {
        return Ok(());
    }
    let holder = directory.stat()?.st_uid;
    let file = directory.stat_entry(name)?.map(|file| file.st_uid);
    match makers
        .iter()
        .find(|maker| holder != **maker && file != Some(**maker))
    {
        None => Ok(()),
        Some(maker) => Err(io::Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "a link that user {maker} may have made leads to a file of another user; name the file itself"
            ),
        )),
    }
}

/// Returns whether this is root or the user of this process.
pub(crate) fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == geteuid().as_raw()
}
